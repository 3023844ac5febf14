"""Three loads on one Events API, each alone and then all at once: what each keeps beside the others."""

import os
import statistics
import subprocess
import threading
import time

from . import billing, load, ours, stored, webhooks
from .report import Figure, Report

ACCOUNTS = 1_000
IN_FLIGHT = 64
WEBHOOKS = 1_000
REPLAYED = 1_000_000
KINDS = ("checks", "webhooks", "replay")


class Loads:
    """The three loads; each counts what it did while its time ran."""

    def __init__(self, options, folder, events, ingress):
        self.options, self.folder, self.events, self.ingress = options, folder, events, ingress
        self.decks = 0

    def checks(self, seconds):
        """Checks per second."""
        return billing.bench(
            self.options, "checks", "--events-url", f"http://{self.events.address}", "--count", 100_000_000, "--seconds",
            seconds, "--parallel", IN_FLIGHT, "--accounts", ACCOUNTS,
            environment={"BUS_API_TOKEN": ours.token(billing.SCOPES)})["per_second"]

    def webhooks(self, seconds):
        """Webhooks on disk per second, of those that were due."""
        started = time.monotonic()
        stored = load.paced(self.options, self.ingress.address, ours.WEBHOOK_PATH, self.deck, WEBHOOKS, seconds)
        return len(stored) / (time.monotonic() - started)

    def replay(self, seconds):
        """Events read per second from the oldest on, again and again; curl throws them away, which costs little."""
        names = "&".join(f"name=bench.fill{index}" for index in range(10))
        command = ["curl", "-s", "-o", os.devnull, "-w", "%{size_download} %{time_total}", "-H",
                   f"Authorization: Bearer {ours.token()}",
                   f"http://{self.events.address}/api/v1/events/stream?{names}&replay=true&follow=false"]
        size, spent, started = 0, 0.0, time.monotonic()
        while (left := started + seconds - time.monotonic()) > 0:
            done = subprocess.run([*command, "--max-time", f"{left:.3f}"], capture_output=True, text=True)
            if done.returncode not in (0, 28):
                raise RuntimeError(f"curl ended with {done.returncode}")
            words = done.stdout.split()
            size, spent = size + int(words[0]), spent + float(words[1])
        return size / self.line / spent

    def measure_line(self):
        """The bytes of one line of the replay, from the first ten thousand."""
        data = ours.Caller(self.events.address).call(
            "GET", "/api/v1/events/stream?name=bench.fill0&replay=true&follow=false&limit=10000")
        self.line = len(data) / data.count(b"\n")

    def run(self, kinds):
        """The figure of each kind, all of them at once."""
        results, faults = {}, []
        self.decks += 1
        self.deck = webhooks.Deck(
            self.folder, f"fair{self.decks}", WEBHOOKS * self.options.seconds,
            webhooks.scattered_template(self.decks))

        def one(kind):
            try:
                results[kind] = getattr(self, kind)(self.options.seconds)
            except Exception as fault:  # noqa: BLE001: told by the thread that waits.
                faults.append(f"{kind}: {fault}")

        threads = [threading.Thread(target=one, args=[kind]) for kind in kinds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if faults:
            raise RuntimeError("; ".join(faults))
        return results


def cores(servers, run):
    """What `run` answers, and the cores that each server and all their clients used meanwhile."""
    started, before, own = time.monotonic(), [server.cpu_seconds() for server in servers], os.times()
    result = run()
    seconds, after = time.monotonic() - started, os.times()
    clients = sum(after[:4]) - sum(own[:4])
    return result, [(server.cpu_seconds() - spent) / seconds for server, spent in zip(servers, before)] + [
        clients / seconds]


def measure(options, folder):
    file = f"{folder}/billing.sqlite"
    billing.bench(options, "fill", "--path", file, "--accounts", ACCOUNTS, "--from", 0)
    with ours.events(options, folder) as events, \
            billing.worker(options, folder, events.address, file) as worker, \
            ours.ingress(options, folder, events.address) as ingress:
        servers = [events, worker, ingress]
        loads = Loads(options, folder, events, ingress)
        stored.fill(ours.Caller(events.address), REPLAYED, 0)
        loads.measure_line()
        for kind in KINDS:
            loads.run([kind])
        figures, shares = {}, {}
        for _ in range(options.rounds):
            for kinds in [(kind,) for kind in KINDS] + [KINDS]:
                result, used = cores(servers, lambda: loads.run(kinds))
                shares.setdefault(kinds, []).append(used)
                for kind, figure in result.items():
                    figures.setdefault((kind, len(kinds) > 1), []).append(figure)
    rows = [["load", "alone", "beside the others", "keeps", "of each round"]]
    for kind in KINDS:
        alone, beside = figures[kind, False], figures[kind, True]
        rows.append([kind, f"{statistics.median(alone):,.0f}/s", f"{statistics.median(beside):,.0f}/s",
                     f"{statistics.median(beside) / statistics.median(alone):.2f}",
                     " ".join(f"{shared / own:.2f}" for own, shared in zip(alone, beside))])
    notes = [f"{IN_FLIGHT} checks in flight, {WEBHOOKS:,} webhooks/s of as many subscriptions, a replay of {REPLAYED:,} events again and again"]
    for kinds, used in shares.items():
        middle = [statistics.median(column) for column in zip(*used)]
        notes.append(f"cores with {' and '.join(kinds)}: events {middle[0]:.2f}, worker {middle[1]:.2f}, "
                     f"ingress {middle[2]:.2f}, clients {middle[3]:.2f}")
    kept = [Figure(f"{kind} beside the other two loads, of what they are alone", "×",
                   [shared / own for own, shared in zip(figures[kind, False], figures[kind, True])], digits=2)
            for kind in KINDS]
    return Report(f"Fair shares, medians of {options.rounds} rounds", rows, notes, kept)
