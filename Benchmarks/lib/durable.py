"""Verified, published and on disk: our two processes beside PostgreSQL and Redis storing the same bytes with fsync."""

import statistics

from . import load, ours, webhooks
from .idle import local
from .report import Figure, Report
from .stores import Postgres, Redis

RATE = 2_000


def measure(options, folder):
    mine, together, theirs, appended = [], [], [], []
    redis = Redis(folder)
    pg = None
    try:
        pg = Postgres(f"{folder}/postgres")
        with ours.events(options, folder) as events, ours.ingress(options, folder, events.address) as ingress, \
                local(options, folder, {"BUS_STRIPE_WEBHOOK_SECRET": webhooks.SECRET}, "webhooks") as one:
            url = f"http://{ingress.address}{ours.WEBHOOK_PATH}"
            warm = webhooks.Deck(folder, "warm", 20_000, webhooks.scattered_template(0))
            load.saturate([events, ingress], url, warm, 2)
            one_url = f"http://{one.address}{ours.WEBHOOK_PATH}"
            load.saturate([one], one_url, warm, 2)
            stream = f"/api/v1/events/stream?name={ours.UPDATE}&replay=true&follow=false&limit=1"
            row = ours.Caller(events.address).call("GET", stream).decode().splitlines()[0]
            pg.prepare(row)
            pg.insert(2)
            pace_of_redis = redis.append(1, row, 4_000)["per_second"]
            for number in range(options.rounds):
                deck = webhooks.Deck(folder, f"full{number}", 20_000 * options.seconds,
                                     webhooks.scattered_template(3 * number + 1))
                run = load.saturate([events, ingress], url, deck, options.seconds)
                if run["failed"] or run["wrapped"]:
                    raise RuntimeError(f"{run['failed']} failed, {run['wrapped']} were sent twice")
                deck = webhooks.Deck(folder, f"one{number}", 20_000 * options.seconds,
                                     webhooks.scattered_template(3 * number + 2))
                together.append(load.saturate([one], one_url, deck, options.seconds))
                pace = webhooks.Deck(folder, f"pace{number}", RATE * options.seconds,
                                     webhooks.scattered_template(3 * number + 3))
                run["paced"] = load.paced(options, ingress.address, ours.WEBHOOK_PATH, pace, RATE, options.seconds)
                run["resident"] = events.resident_mib() + ingress.resident_mib()
                mine.append(run)
                per_second, saturated = pg.insert(options.seconds)
                paced_pg = pg.insert(options.seconds, RATE)[1]
                theirs.append({"per_second": per_second, "p99_ms": load.percentile(saturated, 0.99), "paced": paced_pg})
                appended.append(redis.append(options.seconds, row, pace_of_redis))
    finally:
        redis.stop()
        if pg:
            pg.stop()

    def middle(runs, key):
        return statistics.median(run[key] for run in runs)

    def paced(runs, share):
        return statistics.median(load.percentile(run["paced"], share) for run in runs)

    def spread(runs, key):
        return f"{min(run[key] for run in runs):.0f}..{max(run[key] for run in runs):.0f}"

    rate, other, stream = (middle(runs, "per_second") for runs in (mine, theirs, appended))
    rows = [["what", "stored/s", "from..to", "x ours", "p99 ms at full load", f"p50 ms at {RATE}/s", f"p99 ms at {RATE}/s", "x ours"]]
    rows.append(["webhook to disk, two processes", f"{rate:.0f}", spread(mine, "per_second"), "1.00", f"{middle(mine, 'p99_ms'):.2f}",
                 f"{paced(mine, 0.5):.2f}", f"{paced(mine, 0.99):.2f}", "1.00"])
    rows.append(["the same in one process, which also applies it", f"{middle(together, 'per_second'):.0f}",
                 spread(together, "per_second"), f"{middle(together, 'per_second') / rate:.2f}",
                 f"{middle(together, 'p99_ms'):.2f}", "", "", ""])
    rows.append([f"PostgreSQL, one row of {len(row)} bytes", f"{other:.0f}", spread(theirs, "per_second"),
                 f"{other / rate:.2f}",
                 f"{middle(theirs, 'p99_ms'):.2f}", f"{paced(theirs, 0.5):.2f}", f"{paced(theirs, 0.99):.2f}",
                 f"{paced(theirs, 0.99) / paced(mine, 0.99):.2f}"])
    rows.append([f"Redis XADD, the same bytes, appendfsync always", f"{stream:.0f}", spread(appended, "per_second"),
                 f"{stream / rate:.2f}", f"{middle(appended, 'p99_ms'):.2f}", "", "", ""])
    notes = [f"our CPU us/webhook, both processes: {middle(mine, 'cpu_us'):.1f} (from..to {spread(mine, 'cpu_us')}); Redis: "
             f"{middle(appended, 'cpu_us'):.1f} without its clients; resident, both: "
             f"{middle(mine, 'resident'):.1f} MiB; foreign CPU: {middle(mine, 'foreign'):.2f}"]
    beside = {"PostgreSQL, bare inserts": theirs, "Redis, bare XADD": appended}
    figures = [Figure(what, "a second", [run["per_second"] for run in runs],
                      {name: [run["per_second"] for run in others] for name, others in beside.items()})
               for what, runs in (("webhook on disk before the answer, two processes", mine),
                                  ("the same in one process, which also applies it", together))]
    title = f"Verified, published, on disk: {load.CONNECTIONS} connections or clients, medians of {options.rounds} rounds"
    return Report(title, rows, notes, figures)
