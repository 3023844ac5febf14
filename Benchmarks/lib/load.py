"""Load on one receiver: as much as it takes over 64 connections (wrk), or a constant rate (our own client)."""

import asyncio
import os
import subprocess
import time
from pathlib import Path

from .machine import busy_seconds

SCRIPT = str(Path(__file__).with_name("webhook.lua"))
CONNECTIONS = 64


def saturate(servers, url, deck, seconds, pin=False):
    """Figures of one run with webhooks; `servers` are those whose CPU time counts."""
    figures = wrk(servers, url, SCRIPT, {"DECK": deck.folder}, seconds, pin)
    return {**figures, "wrapped": max(0, figures["requests"] - deck.count)}


def wrk(servers, url, script, environment, seconds, pin=False, connections=CONNECTIONS):
    """Figures of one run of a wrk script."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", script, url]
    if pin:
        command = ["taskset", "-c", "0", *command]
    cpu, busy = sum(server.cpu_seconds() for server in servers), busy_seconds()
    own = os.times()
    run = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    spent = sum(server.cpu_seconds() for server in servers) - cpu
    after = os.times()
    own_load = after.children_user + after.children_system - own.children_user - own.children_system
    words = next(line for line in run.stdout.splitlines() if line.startswith("FIGURES")).split()[1:]
    requests, microseconds, p50, p99, refused, broken = map(int, words)
    return {
        "requests": requests,
        "per_second": requests / (microseconds / 1e6),
        "cpu_us": 1e6 * spent / max(requests, 1),
        "p50_ms": p50 / 1000,
        "p99_ms": p99 / 1000,
        "failed": refused + broken,
        "foreign": max(0.0, (busy_seconds() - busy - spent - own_load) / (microseconds / 1e6)),
    }


def paced(address, path, deck, rate, seconds):
    """Latencies in milliseconds at a constant rate, each counted from when the request was due, so waiting counts."""
    return asyncio.run(_paced(address, path, deck, rate, seconds))


async def _paced(address, path, deck, rate, seconds):
    host, port = address.rsplit(":", 1)
    due = asyncio.Queue()
    latencies, failed = [], 0

    async def connection():
        nonlocal failed
        reader, writer = await asyncio.open_connection(host, int(port))
        while (item := await due.get()) is not None:
            index, moment = item
            writer.write(deck.request(index, address, path))
            head = await reader.readuntil(b"\r\n\r\n")
            length = 0
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            await reader.readexactly(length)
            latencies.append((time.perf_counter() - moment) * 1000)
            failed += head.split(b" ", 2)[1] != b"200"
        writer.close()

    workers = [asyncio.create_task(connection()) for _ in range(CONNECTIONS)]
    start = time.perf_counter() + 0.2
    for index in range(rate * seconds):
        moment = start + index / rate
        wait = moment - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        due.put_nowait((index, moment))
    for _ in workers:
        due.put_nowait(None)
    await asyncio.gather(*workers)
    return sorted(latencies), failed


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
