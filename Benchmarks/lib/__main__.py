"""Runs the measurements and prints their tables."""

import argparse
import os
import shutil
import tempfile
import time

from . import billing, commands, durable, idle, machine, month, receivers, stored

PARTS = {"receivers": receivers, "durable": durable, "idle": idle, "stored": stored, "billing": billing,
         "commands": commands, "month": month}


def table(title, rows, notes=()):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["", title]
    for row in rows:
        cells = [cell.ljust(width) if column == 0 else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines + [f"  {note}" for note in notes])


def main():
    parser = argparse.ArgumentParser(prog="Benchmarks/run")
    parser.add_argument("--programs", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--work", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--only", default=",".join(PARTS), help="parts to run: " + ", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=3, help="rounds that count")
    parser.add_argument("--seconds", type=int, default=8, help="length of one run")
    parser.add_argument("--stored", type=int, default=1_000_000, help="events in the long log, accounts in the full store")
    parser.add_argument("--pin", action="store_true", help="receivers: server on core 1, load on core 0")
    options = parser.parse_args()
    parts = options.only.split(",")
    for part in parts:
        if part not in PARTS:
            parser.error(f"there is no part {part}; parts are {', '.join(PARTS)}")

    tables = []
    for part in parts:
        print(f"measuring {part} ...", flush=True)
        folder = tempfile.mkdtemp(prefix=f"{part}-", dir=os.path.abspath(options.work))
        os.chmod(folder, 0o755)
        try:
            tables.append(table(*PARTS[part].measure(options, folder)))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{machine.description()}, {time.strftime('%Y-%m-%d %H:%M')}")
    print("\n".join(tables))


main()
