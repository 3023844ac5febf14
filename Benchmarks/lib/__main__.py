"""Runs the measurements and prints their tables."""

import argparse
import os
import shutil
import tempfile
import time

from . import asked, billing, commands, durable, fair, idle, latency, machine, month, publishers, readme, receivers, stored

PARTS = {"receivers": receivers, "durable": durable, "publishers": publishers, "idle": idle, "stored": stored,
         "billing": billing, "asked": asked, "fair": fair, "latency": latency, "commands": commands, "month": month}


def main():
    parser = argparse.ArgumentParser(prog="Benchmarks/run")
    parser.add_argument("--programs", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--work", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--only", help="parts to run, with commas: " + ", ".join(PARTS))
    parser.add_argument("--readme", action="store_true", help="write the README's figures: " + readme.PARTS + ", five rounds")
    parser.add_argument("--rounds", type=int, help="rounds that count; 3 unless told")
    parser.add_argument("--seconds", type=int, default=8, help="length of one run")
    parser.add_argument("--stored", type=int, default=1_000_000, help="events in the long log, accounts in the full store")
    parser.add_argument("--stored-postgres", type=int, default=10_000_000, help="events in the long log on PostgreSQL; 1 KB each")
    parser.add_argument("--pin", action="store_true", help="receivers: server on core 1, load on core 0")
    options = parser.parse_args()
    options.rounds = options.rounds or (5 if options.readme else 3)
    parts = (options.only or (readme.PARTS if options.readme else ",".join(PARTS))).split(",")
    for part in parts:
        if part not in PARTS:
            parser.error(f"there is no part {part}; parts are {', '.join(PARTS)}")

    reports = []
    for part in parts:
        print(f"measuring {part} ...", flush=True)
        folder = tempfile.mkdtemp(prefix=f"{part}-", dir=os.path.abspath(options.work))
        os.chmod(folder, 0o755)
        try:
            reports.append(PARTS[part].measure(options, folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{machine.description()}, {time.strftime('%Y-%m-%d %H:%M')}")
    print("\n".join(report.text() for report in reports))
    if options.readme:
        readme.write([figure.record() for report in reports for figure in report.figures], machine.description())


main()
