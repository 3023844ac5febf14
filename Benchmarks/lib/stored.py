"""What publishing, streaming and claiming cost with a short log and with a long one, on SQLite and on PostgreSQL."""

import concurrent.futures
import contextlib
import json
import os
import time

from . import ours
from .load import percentile
from .report import Figure, Report
from .stores import Postgres

SMALL = 1_000
SAMPLES = 300
BATCH = 500
FILLERS = 4
NAME = "bench.live"
STREAM = f"/api/v1/events/stream?name={NAME}"
COSTS = ("publish", "to live stream", "open a stream", "claim and acknowledge", "read on")


def fill(caller, count, already):
    """Publishes in batches until `count` events are stored."""
    while already < count:
        size = min(BATCH, count - already)
        batch = [{"name": f"bench.fill{index % 10}", "payload": {"number": already + index, "text": "x" * 200}}
                 for index in range(size)]
        caller.call("POST", "/api/v1/events/batch", json.dumps({"events": batch}))
        already += size


def fill_together(address, count, already):
    """The same over a few connections; events a second."""
    if count <= already:
        return None
    started, share = time.perf_counter(), -(-(count - already) // FILLERS)
    with concurrent.futures.ThreadPoolExecutor(FILLERS) as pool:
        parts = [pool.submit(fill, ours.Caller(address), min(count, first + share), first)
                 for first in range(already, count, share)]
        for part in parts:
            part.result()
    return (count - already) / (time.perf_counter() - started)


def timed(body):
    """What `body` returns, and its milliseconds."""
    started = time.perf_counter()
    value = body()
    return value, (time.perf_counter() - started) * 1000


def opened(address):
    """Opens a stream with a connection of its own, up to the head of its answer."""
    caller = ours.Caller(address)
    caller.connection.request("GET", STREAM, headers=caller.headers)
    if caller.connection.getresponse().status != 200:
        raise RuntimeError("the stream was refused")
    caller.connection.close()


def claimed(caller, group):
    """Claims one event and acknowledges it."""
    query = f"&delivery=unicast&group={group}&consumer=bench&ack=manual&limit=1&replay=true&follow=false"
    line = json.loads(caller.call("GET", STREAM + query))
    answer = {"group": group, "deliveries": [{"id": line["deliveryId"], "outcome": "done"}]}
    if json.loads(caller.call("POST", "/api/v1/events/ack", json.dumps(answer)))["acknowledged"] != 1:
        raise RuntimeError("the claim was not acknowledged")


def sample(server, count):
    """Sorted milliseconds of each cost; then the processor time of a publish, and resident memory."""
    os.sync()  # What filling left to write must not be measured.
    caller, listener = ours.Caller(server.address), ours.Caller(server.address)
    listener.connection.request("GET", STREAM, headers=listener.headers)
    live = listener.connection.getresponse()
    costs = {cost: [] for cost in COSTS}
    cpu, first = server.cpu_seconds(), None
    for number in range(SAMPLES):
        started = time.perf_counter()
        answer = caller.publish(NAME, {"number": number})
        costs["publish"].append((time.perf_counter() - started) * 1000)
        live.readline()
        costs["to live stream"].append((time.perf_counter() - started) * 1000)
        first = first or answer["id"]
    cpu = 1e6 * (server.cpu_seconds() - cpu) / SAMPLES
    listener.connection.close()
    for _ in range(SAMPLES):
        costs["open a stream"].append(timed(lambda: opened(server.address))[1])
        costs["claim and acknowledge"].append(timed(lambda: claimed(caller, f"bench{count}"))[1])
    for _ in range(20):
        lines, milliseconds = timed(lambda: caller.call("GET", f"{STREAM}&after_id={first}&follow=false").count(b"\n"))
        costs["read on"].append(milliseconds)
        if lines != SAMPLES - 1:
            raise RuntimeError(f"reading on gave {lines} events instead of {SAMPLES - 1}")
    return {cost: sorted(values) for cost, values in costs.items()}, cpu, server.resident_mib()


def measure(options, folder):
    rows = [["store", "stored events", *(f"{cost} p50 ms" for cost in COSTS), "publish p99", "claim p99", "CPU us/publish", "RSS MiB"]]
    notes, figures = [f"read on: {SAMPLES - 1} events; a claim is two calls; processor time without PostgreSQL's"], []
    for store, large in (("SQLite", options.stored), ("PostgreSQL", options.stored_postgres)):
        results, stored = {}, 0
        with contextlib.ExitStack() as started:
            pg = None
            if store == "PostgreSQL":
                pg = Postgres(f"{folder}/postgres")
                started.callback(pg.stop)
            server = started.enter_context(ours.events(options, folder, postgres=pg, name=store))
            for count in (SMALL, large):
                pace = fill_together(server.address, count, stored)
                if count == large and pace:
                    notes.append(f"{store} filled by batches of {BATCH} over {FILLERS} connections: {pace:.0f} events/s")
                if pg:
                    # A database that runs for longer than a minute has done this by itself, and not while it is measured.
                    pg.sql("VACUUM ANALYZE")
                    pg.sql("CHECKPOINT")
                stored = max(stored, count)
                results[count] = sample(server, count)
                stored += SAMPLES
        for count, (costs, cpu, resident) in results.items():
            rows.append([store, f"{count:,}", *(f"{percentile(costs[cost], 0.5):.2f}" for cost in COSTS),
                         f"{percentile(costs['publish'], 0.99):.2f}", f"{percentile(costs['claim and acknowledge'], 0.99):.2f}",
                         f"{cpu:.0f}", f"{resident:.1f}"])
        (small, small_cpu, small_resident), (full, cpu, resident) = results[SMALL], results[large]
        rows.append([store, "ratio", *(f"{percentile(full[cost], 0.5) / percentile(small[cost], 0.5):.2f}" for cost in COSTS),
                     "", "", f"{cpu / max(small_cpu, 1):.2f}", f"{resident / small_resident:.2f}"])
        figures += [Figure(f"{cost} with {large:,} events stored, {store}, p50", "ms", [percentile(full[cost], 0.5)],
                           {f"with {SMALL:,}": [percentile(small[cost], 0.5)]}, fewer_is_better=True, digits=2)
                    for cost in COSTS if cost != "read on"]
    return Report(f"Cost with a long log, one publisher, {SAMPLES} of each", rows, notes, figures)
