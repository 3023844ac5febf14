"""What a service costs while nothing happens, and how long it takes to be ready."""

import os
import statistics
import time

from . import ours
from .machine import Server
from .report import Report


def local(options, folder, environment=None, listener="events"):
    return Server("bus-local", [f"{options.programs}/bus-local", "--addr", "127.0.0.1:0", "--data", f"{folder}/local"],
                  {"BUS_LOG_FORMAT": "json", "BUS_STRIPE_WEBHOOK_ADDR": "127.0.0.1:0", **(environment or {})},
                  f"{folder}/local.log", listener=listener)


def measure(options, folder):
    starts = {
        "bus-api-provider-events": lambda where: ours.events(options, where),
        "bus-integration-stripe": lambda where: ours.ingress(options, where, "127.0.0.1:9"),
        "bus-local": lambda where: local(options, where),
    }
    rows = [["program", "start to ready ms", "idle RSS MiB", "program MiB"]]
    for name, start in starts.items():
        ready, resident = [], []
        for number in range(5):
            where = f"{folder}/{name}-{number}"
            os.makedirs(where)
            with start(where) as server:
                time.sleep(1)
                ready.append(server.ready_ms)
                resident.append(server.resident_mib())
        size = os.path.getsize(f"{options.programs}/{name}") / 1048576
        rows.append([name, f"{statistics.median(ready):.0f}", f"{statistics.median(resident):.1f}", f"{size:.1f}"])
    return Report("Idle, medians of 5 starts with an empty data folder", rows)
