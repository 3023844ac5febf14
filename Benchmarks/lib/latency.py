"""From a publish to the line on a live stream, at a constant rate, beside the bare sync of the same disk."""

import contextlib
import json
import multiprocessing
import os
import socket
import statistics
import time

from . import billing, ours
from .load import percentile
from .report import Figure, Report
from .stores import Postgres

RATE = 500
PUBLISHERS = 4
DURABLE = "bench.live"
# A question needs no sync of its own (docs/contract/events.md, "Queries").
QUERY = "bus.billing.status.request"
SHARES = (0.5, 0.9, 0.99)
BARE = "bare write and fdatasync of a page"


def connect(address):
    host, port = address.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection, f"Host: {address}\r\nAuthorization: Bearer {ours.token(billing.SCOPES + ' events:send events:listen')}\r\n"


def publish(address, name, start, index, count):
    """Publishes every fourth event when it is due; the payload says when that was."""
    connection, head = connect(address)
    for number in range(index, count, PUBLISHERS):
        due = start + number / RATE
        while (wait := due - time.perf_counter()) > 0:
            time.sleep(wait)
        body = json.dumps({"name": name, "payload": {"due": due}})
        connection.sendall(f"POST /api/v1/events HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
            answer += connection.recv(65536)
        if b" 202 " not in answer[:16]:
            raise RuntimeError(answer[:300])


def deliveries(publishing, listening, name, seconds):
    """Milliseconds from when each publish was due until its line was read; publishers are processes of their own."""
    count = RATE * seconds
    connection, head = connect(listening)
    connection.sendall(f"GET /api/v1/events/stream?name={name} HTTP/1.1\r\n{head}\r\n".encode())
    lines = connection.makefile("rb")
    while lines.readline() != b"\r\n":
        pass
    start = time.perf_counter() + 0.2
    publishers = [multiprocessing.Process(target=publish, args=(publishing, name, start, index, count), daemon=True)
                  for index in range(PUBLISHERS)]
    for publisher in publishers:
        publisher.start()
    latencies = []
    while len(latencies) < count:
        line = lines.readline()
        now = time.perf_counter()
        if not line:
            raise RuntimeError("the stream ended")
        place = line.find(b'"due":')
        if place >= 0:
            latencies.append(1000 * (now - float(line[place + 6:line.index(b"}", place)])))
    for publisher in publishers:
        publisher.join()
    connection.close()
    return sorted(latencies)


def syncs(folder, seconds):
    """Milliseconds of bare writes of one page, each with its sync, at the same rate into one file that has its size."""
    file = os.open(f"{folder}/page", os.O_RDWR | os.O_CREAT, 0o600)
    os.pwrite(file, bytes(64 * 4096), 0)
    os.fsync(file)
    latencies, start = [], time.perf_counter()
    for number in range(RATE * seconds):
        due = start + number / RATE
        while (wait := due - time.perf_counter()) > 0:
            time.sleep(wait)
        begun = time.perf_counter()
        os.pwrite(file, os.urandom(4096), number % 64 * 4096)
        os.fdatasync(file)
        latencies.append(1000 * (time.perf_counter() - begun))
    os.close(file)
    return sorted(latencies)


def measure(options, folder):
    runs = {}
    with contextlib.ExitStack() as started:
        pg = Postgres(f"{folder}/postgres")
        started.callback(pg.stop)
        file = started.enter_context(ours.events(options, folder))
        here, there = (started.enter_context(ours.events(options, folder, postgres=pg, name=name)) for name in ("here", "there"))
        streams = {
            "durable event, SQLite": (file, file, DURABLE), "query, SQLite": (file, file, QUERY),
            "durable event, PostgreSQL, one node": (here, here, DURABLE),
            "durable event, PostgreSQL, from node to node": (here, there, DURABLE),
            "query, PostgreSQL, from node to node": (here, there, QUERY)}
        for number in range(options.rounds + 1):  # The first round warms up and does not count.
            for what, (publishing, listening, name) in streams.items():
                servers = {publishing, listening}
                cpu = sum(server.cpu_seconds() for server in servers)
                latencies = deliveries(publishing.address, listening.address, name, options.seconds if number else 1)
                cost = 1e6 * (sum(server.cpu_seconds() for server in servers) - cpu) / len(latencies)
                if number:
                    runs.setdefault(what, []).append([percentile(latencies, share) for share in SHARES] + [cost])
            bare = syncs(folder, options.seconds if number else 1)
            if number:
                runs.setdefault(BARE, []).append([percentile(bare, share) for share in SHARES])
    rows = [["what", *(f"p{share * 100:.0f} ms" for share in SHARES), "CPU us each", "p50 of each round"]]
    for what, figures in runs.items():
        middle = [statistics.median(column) for column in zip(*figures)]
        rows.append([what, *(f"{value:.2f}" for value in middle[:3]), "".join(f"{cost:.0f}" for cost in middle[3:]),
                     " ".join(f"{figure[0]:.2f}" for figure in figures)])
    columns = {what: list(zip(*figures)) for what, figures in runs.items()}
    told = [Figure(f"publish to receive at {RATE}/s{where}, p{share * 100:.0f}", "ms", columns[what][place],
                   {BARE: columns[BARE][place]}, fewer_is_better=True, digits=2)
            for what, where in (("durable event, SQLite", ""), ("durable event, PostgreSQL, one node", ", PostgreSQL"),
                                ("durable event, PostgreSQL, from node to node", ", PostgreSQL, from node to node"))
            for place, share in enumerate(SHARES) if share != 0.9]
    return Report(f"Publish to receive at {RATE}/s, medians of {options.rounds} rounds", rows,
                  ["processor time of our nodes, without PostgreSQL's"], told)
