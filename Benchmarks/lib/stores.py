"""Stores that ours are measured beside, PostgreSQL and Redis, both with a sync before each answer."""

import os
import subprocess

from . import load
from .machine import Server


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

    @property
    def url(self):
        """How our programs reach it."""
        return f"postgres://bench@/postgres?host={self.folder}"

    def sql(self, statement):
        return self._run("psql", "-h", self.folder, "-U", "bench", "-d", "postgres", "-Atq", "-c", statement)

    def _run(self, *command):
        return subprocess.run([*self.user, *command], check=True, capture_output=True, text=True, cwd=self.folder).stdout

    def prepare(self, row):
        """Makes the table, and the script that inserts this row under an id of its own."""
        self.sql("CREATE TABLE event (seq bigserial PRIMARY KEY, id text UNIQUE, envelope text)")
        literal = row.replace("'", "''").replace(":", "\\x3a")
        script = ("\\set id random(1, 9000000000000000000)\n"
                  f"INSERT INTO event (id, envelope) VALUES (:id, E'{literal}');\n")
        with open(f"{self.folder}/insert.sql", "w") as file:
            file.write(script)
        os.chmod(f"{self.folder}/insert.sql", 0o644)

    def insert(self, seconds, rate=None, clients=load.CONNECTIONS):
        """Rows a second, each committed alone, and the sorted latencies in milliseconds."""
        log = f"{self.folder}/latency"
        for old in os.listdir(self.folder):
            if old.startswith("latency."):
                os.remove(f"{self.folder}/{old}")
        paced = ["-R", str(rate)] if rate else []
        per_second = self.pgbench("insert.sql", seconds, clients, "-l", f"--log-prefix={log}", *paced)
        latencies = []
        for name in os.listdir(self.folder):
            if name.startswith("latency."):
                with open(f"{self.folder}/{name}") as lines:
                    latencies += [int(line.split()[2]) / 1000 for line in lines]
        return per_second, sorted(latencies)

    def pgbench(self, script, seconds, clients, *more):
        """Transactions a second of a script in its folder."""
        out = self._run("pgbench", "-h", self.folder, "-U", "bench", "-d", "postgres", "-n", "-M", "prepared", "-c", str(clients),
                        "-j", str(min(2, clients)), "-T", str(seconds), *more, "-f", f"{self.folder}/{script}")
        return next(float(line.split()[2]) for line in out.splitlines() if line.startswith("tps = "))

    def stop(self):
        self._run(f"{self.bin}/pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", "fast", "stop")


class Redis(Server):
    """A Redis of its own, reachable through one Unix socket, that syncs before it answers."""

    def __init__(self, folder):
        self.socket = os.path.abspath(f"{folder}/redis.socket")
        super().__init__("redis", ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", os.path.abspath(folder),
                                   "--save", "", "--appendonly", "yes", "--appendfsync", "always"], {}, f"{folder}/redis.log",
                         socket_path=self.socket)

    def append(self, seconds, row, rate, clients=load.CONNECTIONS):
        """XADD of the row, for about so many seconds at such a rate."""
        cpu = self.cpu_seconds()
        count = max(1_000, int(rate * seconds))
        out = subprocess.run(["redis-benchmark", "-s", self.socket, "-c", str(clients), "-n", str(count), "--csv",
                              "XADD", "event", "*", "envelope", row], check=True, capture_output=True, text=True).stdout
        header, figures = ([cell.strip('"') for cell in line.split('","')] for line in out.splitlines()[:2])
        run = dict(zip(header[-7:], map(float, figures[-7:])))
        return {"per_second": run["rps"], "p99_ms": run["p99_latency_ms"],
                "cpu_us": 1e6 * (self.cpu_seconds() - cpu) / count}
