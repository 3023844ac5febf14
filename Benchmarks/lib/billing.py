"""What a check costs, how many updates are applied, and whether either grows with what is stored."""

import json
import os
import subprocess

from . import ours
from .machine import Server
from .report import Report

SMALL = 1_000
CHECKS = 2_000
UPDATES = 20_000
SCOPES = ("billing:read billing:setup billing:entitlement:check billing:subscription:write billing:usage:export "
          "billing:provider")


def bench(options, *arguments, environment=None):
    """One run of billing-bench; what it printed."""
    command = [f"{options.programs}/billing-bench", *map(str, arguments)]
    done = subprocess.run(command, env={"PATH": os.environ["PATH"], **(environment or {})}, capture_output=True,
                          text=True, timeout=1_800)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.returncode}\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def worker(options, folder, events_address, file):
    return Server(
        "bus-integration-billing",
        [f"{options.programs}/bus-integration-billing", "--events-url", f"http://{events_address}",
         "--provider-backend", "local", "--billing-sqlite-path", file],
        {"BUS_API_TOKEN": ours.token(SCOPES), "BUS_LOG_FORMAT": "json"},
        f"{folder}/billing.log", listener="operations")


def checks(options, folder, file, accounts, rows):
    """Checks at 1, 16 and 64 in flight over a file with so many accounts; the medians by flight."""
    medians = {}
    os.sync()
    with ours.events(options, folder) as events, worker(options, folder, events.address, file) as billing:
        for hold in (False, True):
            for parallel in (1, 16, 64):
                cpu = [events.cpu_seconds(), billing.cpu_seconds()]
                arguments = ["checks", "--events-url", f"http://{events.address}", "--count", CHECKS,
                             "--parallel", parallel, "--accounts", accounts] + (["--hold"] if hold else [])
                result = bench(options, *arguments, environment={"BUS_API_TOKEN": ours.token(SCOPES)})
                cost = [1e6 * (now - before) / CHECKS
                        for now, before in zip([events.cpu_seconds(), billing.cpu_seconds()], cpu)]
                medians[hold, parallel] = result["p50_ms"]
                rows.append([f"{accounts:,} accounts, {'with' if hold else 'without'} usage, {parallel} in flight",
                             f"{result['p50_ms']:.2f}", f"{result['p99_ms']:.2f}", f"{result['per_second']:.0f}",
                             f"{cost[0]:.0f}", f"{cost[1]:.0f}", f"{billing.resident_mib():.0f}"])
    return medians


def measure(options, folder):
    notes = []
    for accounts in (1, 100, 10_000):
        result = bench(options, "decide", "--accounts", accounts)
        notes.append(f"pure decision, 20 quotas, {accounts:,} accounts in memory: {result['ns']:.0f} ns")
    for parallel in (1, 8, 64):
        result = bench(options, "updates", "--path", f"{folder}/updates-{parallel}.sqlite", "--count",
                       UPDATES if parallel > 1 else UPDATES // 10, "--parallel", parallel)
        notes.append(f"subscription updates applied durably, {parallel} at once: {result['per_second']:.0f}/s")
    rows = [["entitlement checks over the Events API", "p50 ms", "p99 ms", "checks/s", "CPU us/check events",
             "billing", "billing RSS MiB"]]
    file = f"{folder}/billing.sqlite"
    medians = {}
    for count, start in ((SMALL, 0), (options.stored, SMALL)):
        bench(options, "fill", "--path", file, "--accounts", count, "--from", start)
        medians[count] = checks(options, folder, file, count, rows)
    for hold in (False, True):
        ratio = medians[options.stored][hold, 1] / medians[SMALL][hold, 1]
        notes.append(f"p50 of one check {'with' if hold else 'without'} usage, {options.stored:,} accounts (a subscription, "
                     f"an update, an export, six buckets each) beside {SMALL:,}: {ratio:.2f}")
    return Report("Billing", rows, notes)
