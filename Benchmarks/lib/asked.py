"""Checks over events and over HTTP, with little and with much stored, and beside a row by key from PostgreSQL."""

import contextlib
import os
import statistics
from pathlib import Path

from . import billing, load, ours, stored
from .machine import Server
from .report import Figure, Report
from .stores import Postgres

SCRIPT = str(Path(__file__).with_name("check.lua"))
ACCOUNTS = 1_000
ACCOUNTS_FULL = 1_000_000
CHECK = "/api/internal/billing/entitlement-check"


class Deployment:
    """The three services over a store of so many accounts and events."""

    def __init__(self, options, folder, accounts, events, started):
        os.makedirs(folder)
        self.options, self.accounts = options, accounts
        file = f"{folder}/billing.sqlite"
        billing.bench(options, "fill", "--path", file, "--accounts", accounts, "--from", 0)
        self.events = started.enter_context(ours.events(options, folder))
        stored.fill(ours.Caller(self.events.address), events, 0)
        self.worker = started.enter_context(billing.worker(options, folder, self.events.address, file))
        self.api = started.enter_context(Server(
            "bus-api-provider-billing",
            [f"{options.programs}/bus-api-provider-billing", "--addr", "127.0.0.1:0", "--events-url",
             f"http://{self.events.address}", "--billing-sqlite-path", file],
            {"BUS_BILLING_JWT_SECRET": ours.JWT_SECRET, "BUS_API_TOKEN": ours.token(billing.SCOPES),
             "BUS_LOG_FORMAT": "json"}, f"{folder}/api.log", listener="billing"))

    def over_events(self, parallel, hold=False):
        """Checks by request and reply."""
        servers = [self.events, self.worker]
        cpu = sum(server.cpu_seconds() for server in servers)
        result = billing.bench(
            self.options, "checks", "--events-url", f"http://{self.events.address}", "--count", 100_000_000, "--seconds",
            self.options.seconds, "--parallel", parallel, "--accounts", self.accounts, *(["--hold"] if hold else []),
            environment={"BUS_API_TOKEN": ours.token(billing.SCOPES)})
        spent = sum(server.cpu_seconds() for server in servers) - cpu
        return {**result, "cpu_us": 1e6 * spent / (result["per_second"] * self.options.seconds)}

    def over_http(self):
        """Checks by the Billing API."""
        environment = {"TOKEN": ours.token("billing:entitlement:check", "ai.hg.fi/internal"), "ACCOUNTS": str(self.accounts)}
        run = load.wrk([self.events, self.worker, self.api], f"http://{self.api.address}{CHECK}", SCRIPT, environment,
                       self.options.seconds)
        if run["failed"]:
            raise RuntimeError("a check over HTTP failed")
        return run


def select(pg, seconds):
    """Rows by key per second."""
    pg.sql("CREATE TABLE IF NOT EXISTS account AS SELECT g AS id, repeat('x', 200) AS state "
           f"FROM generate_series(1, {ACCOUNTS}) g; CREATE UNIQUE INDEX IF NOT EXISTS account_id ON account (id)")
    script = f"{pg.folder}/select.sql"
    with open(script, "w") as file:
        file.write(f"\\set id random(1, {ACCOUNTS})\nSELECT state FROM account WHERE id = :id;\n")
    os.chmod(script, 0o644)
    return {"per_second": pg.pgbench("select.sql", seconds, load.CONNECTIONS)}


def measure(options, folder):
    full = f"with {ACCOUNTS_FULL:,} accounts and {options.stored:,} events"
    runs = {}
    with contextlib.ExitStack() as started:
        small = Deployment(options, f"{folder}/small", ACCOUNTS, 0, started)
        large = Deployment(options, f"{folder}/large", ACCOUNTS_FULL, options.stored, started)
        pg = Postgres(f"{folder}/pg")
        started.callback(pg.stop)
        os.sync()  # What filling left to write must not be measured.
        measures = {
            "check, 1 in flight": lambda: small.over_events(1),
            "check, 64 in flight": lambda: small.over_events(64),
            f"check, 64 in flight, {full}": lambda: large.over_events(64),
            "check with a hold, 64 in flight": lambda: small.over_events(64, hold=True),
            "check over HTTP, 64 connections": small.over_http,
            f"check over HTTP, {full}": large.over_http,
            "PostgreSQL, one row by key, 64 clients": lambda: select(pg, options.seconds)}
        for number in range(options.rounds + 1):  # The first round warms up and does not count.
            for what, run in measures.items():
                result = run()
                if number:
                    runs.setdefault(what, []).append(result)
    rows = [["what", "a second", "from..to", "p50 ms", "p99 ms", "CPU us each, our servers"]]
    for what, results in runs.items():
        middle = {key: statistics.median(run[key] for run in results) for key in ("per_second", "p50_ms", "p99_ms", "cpu_us")
                  if key in results[0]}
        rates = [run["per_second"] for run in results]
        rows.append([what, f"{middle['per_second']:.0f}", f"{min(rates):.0f}..{max(rates):.0f}",
                     *(f"{middle[key]:.{digits}f}" if key in middle else ""
                       for key, digits in (("p50_ms", 2), ("p99_ms", 2), ("cpu_us", 0)))])
    return Report(f"Checks, medians of {options.rounds} rounds", rows, figures=_figures(*runs.values()))


def _figures(one, many, many_full, holds, http, http_full, rows_by_key):
    def values(runs, key="per_second"):
        return [run[key] for run in runs]

    by_key = {"PostgreSQL, one row by key": values(rows_by_key)}
    return [
        Figure("check, 1 in flight, p50", "ms", values(one, "p50_ms"), fewer_is_better=True, digits=2),
        Figure("check, 1 in flight, processor time of both", "µs", values(one, "cpu_us"), fewer_is_better=True),
        Figure("check, 64 in flight", "a second", values(many), by_key),
        Figure("check, 64 in flight, p99", "ms", values(many, "p99_ms"), fewer_is_better=True, digits=1),
        Figure("check, 64 in flight, processor time of both", "µs", values(many, "cpu_us"), fewer_is_better=True),
        Figure("check with a hold, 64 in flight", "a second", values(holds)),
        Figure("check over HTTP, 64 connections", "a second", values(http), {"the same over events": values(many), **by_key}),
        Figure("check over events, much stored", "a second", values(many_full), {"little stored": values(many)}),
        Figure("check over HTTP, much stored", "a second", values(http_full), {"little stored": values(http)}),
    ]
