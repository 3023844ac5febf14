"""Durable publishes a second on SQLite and on PostgreSQL, beside PostgreSQL and Redis storing the same bytes alone."""

import contextlib
import json
import statistics
import uuid
from pathlib import Path

from . import load, ours
from .report import Figure, Report
from .stores import Postgres, Redis

SCRIPT = str(Path(__file__).with_name("publish.lua"))
COUNTS = (1, 8, 64)
NAME = "bench.publish"
BODY = json.dumps({"name": NAME, "payload": {"text": "x" * 300}})


def publish(server, seconds, publishers):
    """One run of so many publishers, each of which waits for its answer."""
    environment = {"TOKEN": ours.token(), "BODY": BODY, "RUN": uuid.uuid4().hex}
    run = load.wrk([server], f"http://{server.address}/api/v1/events", SCRIPT, environment, seconds, connections=publishers)
    if run["failed"]:
        raise RuntimeError(f"{run['failed']} publishes failed")
    return run


def measure(options, folder):
    runs, row = {}, ""
    with contextlib.ExitStack() as started:
        pg = Postgres(f"{folder}/postgres")
        started.callback(pg.stop)
        redis = started.enter_context(Redis(folder))
        file = started.enter_context(ours.events(options, folder))
        node = started.enter_context(ours.events(options, folder, postgres=pg, name="node"))
        ours.Caller(file.address).call("POST", "/api/v1/events", BODY)
        row = ours.Caller(file.address).call(
            "GET", f"/api/v1/events/stream?name={NAME}&replay=true&follow=false&limit=1").decode().splitlines()[0]
        pg.prepare(row)

        def insert(seconds, publishers):
            per_second, latencies = pg.insert(seconds, clients=publishers)
            return {"per_second": per_second, "p50_ms": load.percentile(latencies, 0.5),
                    "p99_ms": load.percentile(latencies, 0.99)}

        pace = {publishers: redis.append(1, row, 2_000, publishers)["per_second"] for publishers in COUNTS}
        measures = {"ours on SQLite": lambda *run: publish(file, *run), "ours on PostgreSQL": lambda *run: publish(node, *run),
                    "PostgreSQL, bare inserts": insert,
                    "Redis, bare XADD": lambda seconds, publishers: redis.append(seconds, row, pace[publishers], publishers)}
        for number in range(options.rounds + 1):  # The first round warms up and does not count.
            for publishers in COUNTS:
                for what, run in measures.items():
                    result = run(options.seconds if number else 1, publishers)
                    if number:
                        runs.setdefault((publishers, what), []).append(result)

    def middle(run, key):
        return statistics.median(each[key] for each in run)

    others = [what for what in measures if not what.startswith("ours")]
    rows = [["publishers", "what", "stored/s", "from..to", "p50 ms", "p99 ms", "CPU us each", *(f"x {what}" for what in others)]]
    figures = []
    for (publishers, what), run in runs.items():
        rates = [each["per_second"] for each in run]
        beside = {other: [each["per_second"] for each in runs[publishers, other]] for other in others}
        ratios = [f"{statistics.median(rates) / statistics.median(beside[other]):.2f}" for other in others]
        rows.append([str(publishers), what, f"{statistics.median(rates):.0f}", f"{min(rates):.0f}..{max(rates):.0f}",
                     *(f"{middle(run, key):.{digits}f}" if key in run[0] else ""
                       for key, digits in (("p50_ms", 2), ("p99_ms", 2), ("cpu_us", 0))), *ratios])
        if what not in others:
            noun = "publisher" if publishers == 1 else "publishers"
            figures.append(Figure(f"durable publishes, {what.removeprefix('ours ')}, {publishers} {noun}", "a second", rates, beside))
    title = f"Durable publishes, each with a key, and the same {len(row)} bytes stored alone; medians of {options.rounds} rounds"
    return Report(title, rows, ["processor time of the Events API alone, and of Redis without its clients"], figures)
