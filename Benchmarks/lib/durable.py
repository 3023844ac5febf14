"""Verified, published and on disk: our two processes beside PostgreSQL storing the same bytes with fsync."""

import json
import os
import statistics
import subprocess

from . import load, ours, webhooks

RATE = 2_000


class Postgres:
    """A PostgreSQL cluster of its own, reachable through one Unix socket, removed with its folder."""

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        programs = sorted((f"/usr/lib/postgresql/{version}/bin" for version in os.listdir("/usr/lib/postgresql")),
                          key=lambda path: int(path.split("/")[4]))
        self.bin = programs[-1]
        os.makedirs(self.folder)
        # PostgreSQL refuses to run as root.
        self.user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        if self.user:
            subprocess.run(["chown", "postgres", self.folder], check=True)
        self._run(f"{self.bin}/initdb", "-D", f"{self.folder}/data", "-A", "trust", "-U", "bench", "--no-sync")
        options = (f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c max_connections=100 "
                   "-c fsync=on -c synchronous_commit=on -c full_page_writes=on")
        self._run(f"{self.bin}/pg_ctl", "-D", f"{self.folder}/data", "-w", "-l", f"{self.folder}/log", "-o", options, "start")

    def _run(self, *command):
        return subprocess.run([*self.user, *command], check=True, capture_output=True, text=True, cwd=self.folder).stdout

    def prepare(self, row):
        self._run("psql", "-h", self.folder, "-U", "bench", "-d", "postgres", "-q", "-c",
                  "CREATE TABLE event (seq bigserial PRIMARY KEY, id text UNIQUE, envelope text)")
        literal = row.replace("'", "''").replace(":", "\\x3a")
        script = ("\\set id random(1, 9000000000000000000)\n"
                  f"INSERT INTO event (id, envelope) VALUES (:id, E'{literal}');\n")
        with open(f"{self.folder}/insert.sql", "w") as file:
            file.write(script)
        os.chmod(f"{self.folder}/insert.sql", 0o644)

    def insert(self, seconds, rate=None):
        log = f"{self.folder}/latency"
        for old in os.listdir(self.folder):
            if old.startswith("latency."):
                os.remove(f"{self.folder}/{old}")
        paced = ["-R", str(rate)] if rate else []
        out = self._run("pgbench", "-h", self.folder, "-U", "bench", "-d", "postgres", "-n", "-M", "prepared",
                        "-c", str(load.CONNECTIONS), "-j", "2", "-T", str(seconds), "-l", f"--log-prefix={log}", *paced,
                        "-f", f"{self.folder}/insert.sql")
        latencies = []
        for name in os.listdir(self.folder):
            if name.startswith("latency."):
                with open(f"{self.folder}/{name}") as lines:
                    latencies += [int(line.split()[2]) / 1000 for line in lines]
        per_second = next(float(line.split()[2]) for line in out.splitlines() if line.startswith("tps = "))
        return per_second, sorted(latencies)

    def stop(self):
        self._run(f"{self.bin}/pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", "fast", "stop")


def measure(options, folder):
    mine, theirs = [], []
    pg = Postgres(f"{folder}/postgres")
    try:
        with ours.events(options, folder) as events, ours.ingress(options, folder, events.address) as ingress:
            url = f"http://{ingress.address}{ours.WEBHOOK_PATH}"
            warm = webhooks.Deck(folder, "warm", 20_000, webhooks.template())
            load.saturate([events, ingress], url, warm, 2)
            stream = f"/api/v1/events/stream?name={ours.UPDATE}&replay=true&follow=false&limit=1"
            row = ours.Caller(events.address).call("GET", stream).decode().splitlines()[0]
            pg.prepare(row)
            pg.insert(2)
            for number in range(options.rounds):
                deck = webhooks.Deck(folder, f"full{number}", 20_000 * options.seconds, webhooks.template())
                run = load.saturate([events, ingress], url, deck, options.seconds)
                if run["failed"] or run["wrapped"]:
                    raise RuntimeError(f"{run['failed']} failed, {run['wrapped']} were sent twice")
                pace = webhooks.Deck(folder, f"pace{number}", RATE * options.seconds, webhooks.template())
                latencies, failed = load.paced(ingress.address, ours.WEBHOOK_PATH, pace, RATE, options.seconds)
                if failed:
                    raise RuntimeError(f"{failed} paced webhooks failed")
                run["paced"] = latencies
                run["resident"] = events.resident_mib() + ingress.resident_mib()
                mine.append(run)
                per_second, saturated = pg.insert(options.seconds)
                paced_pg = pg.insert(options.seconds, RATE)[1]
                theirs.append({"per_second": per_second, "p99_ms": load.percentile(saturated, 0.99), "paced": paced_pg})
    finally:
        pg.stop()

    def middle(runs, key):
        return statistics.median(run[key] for run in runs)

    def paced(runs, share):
        return statistics.median(load.percentile(run["paced"], share) for run in runs)

    rate, other = middle(mine, "per_second"), middle(theirs, "per_second")
    rows = [["what", "stored/s", "x ours", "p99 ms at full load", f"p50 ms at {RATE}/s", f"p99 ms at {RATE}/s", "x ours"]]
    rows.append(["webhook to disk, two processes", f"{rate:.0f}", "1.00", f"{middle(mine, 'p99_ms'):.2f}",
                 f"{paced(mine, 0.5):.2f}", f"{paced(mine, 0.99):.2f}", "1.00"])
    rows.append([f"PostgreSQL, one row of {len(row)} bytes", f"{other:.0f}", f"{other / rate:.2f}",
                 f"{middle(theirs, 'p99_ms'):.2f}", f"{paced(theirs, 0.5):.2f}", f"{paced(theirs, 0.99):.2f}",
                 f"{paced(theirs, 0.99) / paced(mine, 0.99):.2f}"])
    notes = [f"our CPU us/webhook, both processes: {middle(mine, 'cpu_us'):.1f}; resident, both: "
             f"{middle(mine, 'resident'):.1f} MiB; foreign CPU: {middle(mine, 'foreign'):.2f}"]
    title = f"Verified, published, on disk: {load.CONNECTIONS} connections or clients, medians of {options.rounds} rounds"
    return title, rows, notes
