"""What publishing and streaming cost with a short log and with a long one."""

import json
import os
import time

from . import ours
from .load import percentile
from .report import Report

SMALL = 1_000
SAMPLES = 300
BATCH = 500


def fill(caller, count, already):
    """Publishes in batches until `count` events are stored; the last id."""
    last = None
    while already < count:
        size = min(BATCH, count - already)
        batch = [{"name": f"bench.fill{index % 10}", "payload": {"number": already + index, "text": "x" * 200}}
                 for index in range(size)]
        answer = json.loads(caller.call("POST", "/api/v1/events/batch", json.dumps({"events": batch})))
        last = answer["events"][-1]["id"]
        already += size
    return last


def sample(server, address):
    """Medians and tails in milliseconds of publish, delivery to a live stream, and reading on after the newest events."""
    os.sync()  # What filling left to write must not be measured.
    caller, listener = ours.Caller(address), ours.Caller(address)
    listener.connection.request("GET", "/api/v1/events/stream?name=bench.live", headers=listener.headers)
    live = listener.connection.getresponse()
    published, delivered, resumed = [], [], []
    cpu = server.cpu_seconds()
    anchor = None
    for number in range(SAMPLES):
        started = time.perf_counter()
        answer = caller.publish("bench.live", {"number": number})
        published.append((time.perf_counter() - started) * 1000)
        live.readline()
        delivered.append((time.perf_counter() - started) * 1000)
        anchor = anchor or answer["id"]
    cpu = 1e6 * (server.cpu_seconds() - cpu) / SAMPLES
    for _ in range(20):
        started = time.perf_counter()
        path = f"/api/v1/events/stream?name=bench.live&after_id={anchor}&follow=false"
        lines = caller.call("GET", path).count(b"\n")
        resumed.append((time.perf_counter() - started) * 1000)
        if lines != SAMPLES - 1:
            raise RuntimeError(f"reading on gave {lines} events instead of {SAMPLES - 1}")
    live.close()
    return [sorted(published), sorted(delivered), sorted(resumed), cpu, server.resident_mib()]


def measure(options, folder):
    results, notes = {}, []
    with ours.events(options, folder) as server:
        caller = ours.Caller(server.address)
        stored = 0
        for count in (SMALL, options.stored):
            started = time.perf_counter()
            fill(caller, count, stored)
            seconds = time.perf_counter() - started
            if count == options.stored:
                notes.append(f"filled by batches of {BATCH} over one connection: {(count - stored) / seconds:.0f} events/s")
            stored = count
            results[count] = sample(server, server.address)
            stored += SAMPLES
    rows = [["stored events", "publish p50 ms", "p99", "to live stream p50 ms", "p99",
             f"read on, {SAMPLES - 1} events, ms", "CPU us/publish", "RSS MiB"]]
    for count, (published, delivered, resumed, cpu, resident) in results.items():
        rows.append([f"{count:,}", f"{percentile(published, 0.5):.2f}", f"{percentile(published, 0.99):.2f}",
                     f"{percentile(delivered, 0.5):.2f}", f"{percentile(delivered, 0.99):.2f}",
                     f"{percentile(resumed, 0.5):.2f}", f"{cpu:.0f}", f"{resident:.1f}"])
    small, large = results[SMALL], results[options.stored]
    rows.append(["ratio", f"{percentile(large[0], 0.5) / percentile(small[0], 0.5):.2f}", "",
                 f"{percentile(large[1], 0.5) / percentile(small[1], 0.5):.2f}", "",
                 f"{percentile(large[2], 0.5) / percentile(small[2], 0.5):.2f}", f"{large[3] / max(small[3], 1):.2f}",
                 f"{large[4] / small[4]:.2f}"])
    return Report(f"Cost with a long log, one publisher, {SAMPLES} publishes", rows, notes)
