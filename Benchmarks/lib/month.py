"""A month of the offline Stripe's clock for many subscriptions: how fast its webhooks are delivered and applied."""

import http.client
import json
import sqlite3
import statistics
import time
import urllib.parse

from . import machine
from .idle import local
from .report import Report

SUBSCRIPTIONS = 1_000
MONTH = {"advance": "31d"}
PATIENCE_SECONDS = 300
KEY = {"Authorization": "Bearer sk_test_bench", "Content-Type": "application/x-www-form-urlencoded"}


class Sandbox:
    """One kept-alive connection to the offline Stripe."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=120)

    def post(self, path, body, headers=KEY):
        text = body if isinstance(body, str) else json.dumps(body)
        self.connection.request("POST", path, text, headers)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {data[:300]!r}")
        return json.loads(data)

    def advance(self):
        return self.post("/sandbox/clock", MONTH, {"Content-Type": "application/json"})

    def deliveries(self, limit):
        """The states of the newest webhooks."""
        self.connection.request("GET", f"/sandbox/events?limit={limit}")
        return [sent["state"] for sent in json.loads(self.connection.getresponse().read())["events"]]

    def sell(self):
        """A paid subscription for each account."""
        self.post("/v1/products", "id=pro&name=Pro")
        price = self.post("/v1/prices", urllib.parse.urlencode({
            "product": "pro", "currency": "eur", "unit_amount": 1000, "recurring[interval]": "month",
            "lookup_key": "bus_llm_basic_eur_month"}))["id"]
        for number in range(SUBSCRIPTIONS):
            account = f"00000000-0000-4000-8000-{number:012d}"
            customer = self.post("/v1/customers", urllib.parse.urlencode({"metadata[bus_account_id]": account}))["id"]
            self.post("/v1/subscriptions", urllib.parse.urlencode({
                "customer": customer, "items[0][price]": price, "default_payment_method": "pm_card_visa", "metadata[bus_account_id]": account,
                "metadata[bus_features]": "llm:proxy", "metadata[bus_plan_id]": "llm-basic"}))


class Store:
    """What Bus has written so far."""

    def __init__(self, folder):
        self.path = f"file:{folder}/local/events.sqlite?mode=ro"

    def updates(self):
        """Subscription updates that were published, and those that were applied."""
        store = sqlite3.connect(self.path, uri=True)
        try:
            names = dict(store.execute("SELECT name, count(*) FROM bus_events WHERE name LIKE ? GROUP BY name",
                                       ("bus.billing.subscription.%",)).fetchall())
        finally:
            store.close()
        return names.get("bus.billing.subscription.update", 0), names.get("bus.billing.subscription.result", 0)


def _wait(seconds, is_reached, what):
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        if is_reached():
            return
        time.sleep(0.02)
    raise RuntimeError(f"{what} did not happen within {seconds} seconds")


def _month(sandbox, store):
    """One month on; seconds until the clock answered, until all was delivered, until all was applied."""
    before, _ = store.updates()
    started = time.perf_counter()
    events = sandbox.advance()["events"]
    moved = time.perf_counter() - started
    _wait(PATIENCE_SECONDS, lambda: set(sandbox.deliveries(64)) == {"delivered"}, "delivery")
    delivered = time.perf_counter() - started

    def is_applied():
        published, applied = store.updates()
        return published - before >= SUBSCRIPTIONS and applied == published

    _wait(PATIENCE_SECONDS, is_applied, "the last update")
    applied = time.perf_counter() - started
    states = sandbox.deliveries(10_000)
    if set(states) != {"delivered"}:
        raise RuntimeError(f"webhooks were {set(states)}")
    return {"events": events, "updates": store.updates()[0] - before, "moved": moved, "delivered": delivered,
            "applied": applied}


def measure(options, folder):
    with local(options, folder) as server:
        sandbox, store = Sandbox(server.address), Store(folder)
        sandbox.sell()
        _wait(PATIENCE_SECONDS, lambda: (lambda told: told[0] >= SUBSCRIPTIONS and told[0] == told[1])(store.updates()),
              "the first update of each account")
        months = []
        for _ in range(options.rounds):
            cpu, busy = server.cpu_seconds(), machine.busy_seconds()
            month = _month(sandbox, store)
            month["cpu"] = server.cpu_seconds() - cpu
            month["foreign"] = (machine.busy_seconds() - busy - month["cpu"]) / month["applied"]
            months.append(month)
        resident = server.resident_mib()

    def middle(value):
        return statistics.median(value(month) for month in months)

    rows = [["what", "seconds", "a second", "CPU us each"]]
    rows.append(["the clock has moved, all events made", f"{middle(lambda m: m['moved']):.2f}",
                 f"{middle(lambda m: m['events'] / m['moved']):.0f}", ""])
    rows.append(["webhooks delivered: signed, verified, on disk", f"{middle(lambda m: m['delivered']):.2f}",
                 f"{middle(lambda m: m['events'] / m['delivered']):.0f}",
                 f"{middle(lambda m: m['cpu'] / m['events']) * 1e6:.0f}"])
    rows.append(["subscription updates applied", f"{middle(lambda m: m['applied']):.2f}",
                 f"{middle(lambda m: m['updates'] / m['applied']):.0f}", ""])
    notes = [f"{months[0]['events']} webhooks a month, {months[0]['updates']} of them updates of a subscription; "
             f"resident {resident:.0f} MiB; foreign CPU: {middle(lambda m: m['foreign']):.2f}"]
    return Report(f"A month of the offline Stripe's clock, {SUBSCRIPTIONS} subscriptions, bus-local, medians of "
                  f"{options.rounds} months", rows, notes)
