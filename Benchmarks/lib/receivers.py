"""Verified and parsed, nothing stored: our ingress beside the floor and receivers in Go, Node and Python."""

import os
import shutil
import statistics

from . import load, ours, webhooks
from .machine import Server, free_port
from .report import Figure, Report

NAMES = {"floor": "C that checks nothing", "go": "Go by hand", "node": "Node by hand", "python-stripe": "Python, Stripe's package"}


def peers(options, folder):
    def start(name, command, directory):
        port = free_port()
        environment = {"PORT": str(port), "SECRET": webhooks.SECRET, "PYTHONPATH": directory}
        command = [word.replace("{port}", str(port)) for word in command]
        return Server(name, command, environment, f"{folder}/{name}.log", port=port, pin=options.pin), "/webhook"

    yield start("floor", [f"{options.work}/floor-peer"], folder)
    yield start("go", [f"{options.work}/go-peer"], folder)
    if node := shutil.which("node"):
        yield start("node", [node, "Benchmarks/peers/node/server.js"], folder)
    python = os.path.abspath(f"{options.work}/venv/bin/python")
    yield start("python-stripe", [python, "-m", "uvicorn", "--log-level", "error", "--no-access-log", "--loop", "uvloop",
                                  "--http", "httptools", "--host", "127.0.0.1", "--port", "{port}", "app:application"],
                os.path.abspath("Benchmarks/peers/python"))


def measure(options, folder):
    servers, figures = [], {}
    try:
        servers.append((ours.ingress(options, folder, "127.0.0.1:9", pin=options.pin), ours.WEBHOOK_PATH))
        for peer in peers(options, folder):
            servers.append(peer)
        for round_number in range(options.rounds + 1):  # The first round warms up and does not count.
            deck = webhooks.Deck(folder, "foreign", 1, webhooks.foreign_template())
            for server, path in servers:
                seconds = options.seconds if round_number else 2
                run = load.saturate([server], f"http://{server.address}{path}", deck, seconds, options.pin)
                if run["failed"]:
                    raise RuntimeError(f"{server.name} failed {run['failed']} of {run['requests']} requests")
                run["resident"] = server.resident_mib()
                if round_number:
                    figures.setdefault(server.name, []).append(run)
    finally:
        for server, _ in servers:
            server.stop()

    middle = {name: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for name, runs in figures.items()}
    base = next(iter(middle.values()))
    rows = [["receiver", "req/s", "CPU us/req", "from..to", "x ours", "p50 ms", "p99 ms", "x ours", "RSS MiB", "foreign CPU"]]
    for name, run in middle.items():
        rows.append([name, f"{run['per_second']:.0f}", f"{run['cpu_us']:.1f}",
                     "{:.1f}..{:.1f}".format(*(bound(r["cpu_us"] for r in figures[name]) for bound in (min, max))),
                     f"{run['cpu_us'] / base['cpu_us']:.2f}",
                     f"{run['p50_ms']:.2f}", f"{run['p99_ms']:.2f}", f"{run['p99_ms'] / base['p99_ms']:.2f}",
                     f"{run['resident']:.1f}", f"{run['foreign']:.2f}"])
    where = "server on core 1, load on core 0" if options.pin else "not pinned"
    costs = {name: [run["cpu_us"] for run in runs] for name, runs in figures.items()}
    ours_name, *others = costs
    figure = Figure("webhook verified and answered, processor time", "µs", costs[ours_name],
                    {NAMES[name]: costs[name] for name in others}, fewer_is_better=True, digits=1)
    return Report(f"Verified and parsed only, {load.CONNECTIONS} connections, {where}, medians of {options.rounds} rounds",
                  rows, figures=[figure])
