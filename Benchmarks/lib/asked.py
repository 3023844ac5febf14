"""Checks over HTTP beside the same checks over events, and beside a row by key from PostgreSQL."""

import os
import statistics
from pathlib import Path

from . import billing, load, ours
from .durable import Postgres
from .machine import Server

SCRIPT = str(Path(__file__).with_name("check.lua"))
ACCOUNTS = 1_000
CHECK = "/api/internal/billing/entitlement-check"


def api(options, folder, events_address, file):
    return Server(
        "bus-api-provider-billing",
        [f"{options.programs}/bus-api-provider-billing", "--addr", "127.0.0.1:0", "--events-url",
         f"http://{events_address}", "--billing-sqlite-path", file],
        {"BUS_BILLING_JWT_SECRET": ours.JWT_SECRET, "BUS_API_TOKEN": ours.token(billing.SCOPES),
         "BUS_LOG_FORMAT": "json", "BUS_LOG_LEVEL": "notice"}, f"{folder}/api.log", listener="billing")


def select(pg, seconds):
    """Rows by key per second."""
    pg._run("psql", "-h", pg.folder, "-U", "bench", "-d", "postgres", "-q", "-c",
            "CREATE TABLE IF NOT EXISTS account AS SELECT g AS id, repeat('x', 200) AS state "
            f"FROM generate_series(1, {ACCOUNTS}) g; CREATE UNIQUE INDEX IF NOT EXISTS account_id ON account (id)")
    script = f"{pg.folder}/select.sql"
    with open(script, "w") as file:
        file.write(f"\\set id random(1, {ACCOUNTS})\nSELECT state FROM account WHERE id = :id;\n")
    os.chmod(script, 0o644)
    out = pg._run("pgbench", "-h", pg.folder, "-U", "bench", "-d", "postgres", "-n", "-M", "prepared", "-c",
                  str(load.CONNECTIONS), "-j", "2", "-T", str(seconds), "-f", script)
    return next(float(line.split()[2]) for line in out.splitlines() if line.startswith("tps = "))


def over_events(options, servers, address):
    """Checks over events, 64 in flight."""
    cpu = sum(server.cpu_seconds() for server in servers)
    result = billing.bench(
        options, "checks", "--events-url", f"http://{address}", "--count", 100_000_000, "--seconds", options.seconds,
        "--parallel", load.CONNECTIONS, "--accounts", ACCOUNTS, environment={"BUS_API_TOKEN": ours.token(billing.SCOPES)})
    spent = sum(server.cpu_seconds() for server in servers) - cpu
    return {**result, "cpu_us": 1e6 * spent / (result["per_second"] * options.seconds)}


def measure(options, folder):
    file = f"{folder}/billing.sqlite"
    billing.bench(options, "fill", "--path", file, "--accounts", ACCOUNTS, "--from", 0)
    environment = {"TOKEN": ours.token("billing:entitlement:check", "ai.hg.fi/internal"), "ACCOUNTS": str(ACCOUNTS)}
    http, events_runs, selects = [], [], []
    pg = Postgres(f"{folder}/pg")
    try:
        with ours.events(options, folder) as events, \
                billing.worker(options, folder, events.address, file) as worker, \
                api(options, folder, events.address, file) as server:
            url = f"http://{server.address}{CHECK}"
            load.wrk([], url, SCRIPT, environment, 2)
            for _ in range(options.rounds):
                http.append(load.wrk([events, worker, server], url, SCRIPT, environment, options.seconds))
                events_runs.append(over_events(options, [events, worker], events.address))
                selects.append(select(pg, options.seconds))
    finally:
        pg.stop()
    if any(run["failed"] for run in http):
        raise RuntimeError("a check over HTTP failed")
    rows = [["what", "rate", "p50 ms", "p99 ms", "CPU us each, our servers"]]
    for what, runs in (("check over HTTP, 64 connections", http), ("check over events, 64 in flight", events_runs)):
        middle = {key: statistics.median(run[key] for run in runs) for key in ("per_second", "p50_ms", "p99_ms", "cpu_us")}
        rows.append([what, f"{middle['per_second']:.0f}/s", f"{middle['p50_ms']:.2f}", f"{middle['p99_ms']:.2f}",
                     f"{middle['cpu_us']:.0f}"])
    rows.append(["PostgreSQL, one row by key, 64 clients", f"{statistics.median(selects):.0f}/s", "", "", ""])
    ratios = [own["per_second"] / other["per_second"] for own, other in zip(http, events_runs)]
    return f"Checks asked over HTTP, medians of {options.rounds} rounds", rows, [
        "over HTTP beside over events, of each round: " + " ".join(f"{ratio:.2f}" for ratio in ratios)]
