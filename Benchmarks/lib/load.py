"""Load on one receiver: as much as it takes over 64 connections (wrk), or a constant rate (our own client)."""

import collections
import os
import re
import selectors
import socket
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
    host, port = address.rsplit(":", 1)
    due, latencies, failed = collections.deque(), [], 0
    idle = [socket.create_connection((host, int(port))) for _ in range(CONNECTIONS)]
    moments, answers = {}, {}
    with selectors.EpollSelector() as selector:
        for connection in idle:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection, selectors.EVENT_READ)
        start, index, count = time.perf_counter() + 0.2, 0, rate * seconds
        while len(latencies) < count:
            now = time.perf_counter()
            while index < count and start + index / rate <= now:
                due.append(index)
                index += 1
            while due and idle:
                number, connection = due.popleft(), idle.pop()
                moments[connection] = start + number / rate
                connection.sendall(deck.request(number, address, path))
            wait = start + index / rate - time.perf_counter() if index < count else None
            for key, _ in selector.select(wait if wait is None else max(0, wait)):
                connection = key.fileobj
                answer = answers.pop(connection, b"") + connection.recv(65_536)
                if not is_whole(answer):
                    answers[connection] = answer
                    continue
                latencies.append((time.perf_counter() - moments[connection]) * 1000)
                failed += not answer.startswith(b"HTTP/1.1 200 ")
                idle.append(connection)
    for connection in idle:
        connection.close()
    return sorted(latencies), failed


def is_whole(answer):
    """Whether all of an answer is there."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not answer:
        raise RuntimeError("the receiver closed a connection")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
