"""Load on one receiver: as much as it takes over 64 connections (wrk), or a constant rate (our own client)."""

import os
import subprocess
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


def paced(options, address, path, deck, rate, seconds):
    """Latencies in milliseconds at a constant rate, each counted from when the request was due, so waiting counts."""
    command = [f"{options.work}/paced", deck.folder, address.rsplit(":", 1)[1], path, rate, rate * seconds]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return sorted(int(line) / 1000 for line in done.stdout.split())


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
