"""Drives an offline Stripe with Stripe's own package, as any program of a shop would.

    drive_sandbox.py <url>

Prints a line for each step and stops at the first that is wrong. It receives webhooks itself, in the current shape and in
one from before 2025-03-31, and lets the package verify every one of them.
"""
import http.server
import json
import re
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import stripe

URL = sys.argv[1]
ACCOUNT = "6c0e7f6a-0000-4000-8000-000000000001"
stripe.api_key = "sk_test_judge"
stripe.api_base = URL
stripe.enable_telemetry = False
stripe.max_network_retries = 0
received = {}  # Events by endpoint path.
secrets = {}


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        event = stripe.Webhook.construct_event(body, self.headers["Stripe-Signature"], secrets[self.path])
        received[self.path].append(event)
        assert self.headers["User-Agent"].startswith("Stripe/1.0"), self.headers
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def step(name):
    print("ok", name, flush=True)


def refused(kind, call, **expected):
    try:
        call()
    except kind as error:
        for name, value in expected.items():
            assert getattr(error, name) == value, (name, getattr(error, name), value, error)
        return error
    raise AssertionError("not refused: %s" % kind)


def control(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def click(page, **form):
    page = page.split("#")[0]
    with urllib.request.urlopen(page) as shown:
        mark = re.search(r'name="token" value="(\w+)"', shown.read().decode())
    data = urllib.parse.urlencode({**form, "token": mark[1] if mark else ""}).encode()
    try:
        with urllib.request.build_opener(Stay).open(page, data) as answer:
            return answer.status, None
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers.get("Location")


def wait_for(path, kind, count=1, about=lambda thing: True):
    """The last of so many events that are about such an object; webhooks may arrive in another order."""
    deadline = time.time() + 30
    while time.time() < deadline:
        found = [event for event in received[path] if event.type == kind and about(event.data.object)]
        if len(found) >= count:
            return found[-1]
        time.sleep(0.02)
    raise AssertionError("no %s among %s" % (kind, [event.type for event in received[path]]))


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
for path, version in (("/now", None), ("/then", "2023-10-16")):
    received[path] = []
    extra = {"api_version": version} if version else {}
    endpoint = stripe.WebhookEndpoint.create(
        url="http://127.0.0.1:%d%s" % (server.server_port, path), enabled_events=["*"], **extra)
    assert endpoint.secret.startswith("whsec_") and endpoint.api_version == version
    secrets[path] = endpoint.secret
assert len(stripe.WebhookEndpoint.list().data) == 2
step("webhook endpoints")

assert stripe.Balance.retrieve().livemode is False
assert stripe.Account.retrieve().id.startswith("acct_")
step("credential probe")

# A catalog.
meter = stripe.billing.Meter.create(
    display_name="Tokens", event_name="tokens", default_aggregation={"formula": "sum"},
    customer_mapping={"type": "by_id", "event_payload_key": "stripe_customer_id"},
    value_settings={"event_payload_key": "value"})
product = stripe.Product.create(id="judge_pro", name="Pro", metadata={"bus_catalog": "test"})
base = stripe.Price.create(
    product=product.id, currency="eur", unit_amount=2000, recurring={"interval": "month"}, lookup_key="base")
big = stripe.Price.create(
    product=product.id, currency="eur", unit_amount=9000, recurring={"interval": "month"}, lookup_key="big")
tokens = stripe.Price.create(
    product=product.id, currency="eur", unit_amount_decimal="0.5", lookup_key="tokens",
    recurring={"interval": "month", "usage_type": "metered", "meter": meter.id})
once = stripe.Price.create(product=product.id, currency="eur", unit_amount=500)
assert tokens.unit_amount is None and str(tokens.unit_amount_decimal) == "0.5"
assert stripe.Price.list(lookup_keys=["base", "tokens"]).data[0].id == tokens.id
refused(stripe.InvalidRequestError, lambda: stripe.Price.create(
    product=product.id, currency="eur", unit_amount=1, lookup_key="base"), param="lookup_key")
moved = stripe.Price.create(
    product=product.id, currency="eur", unit_amount=2100, recurring={"interval": "month"}, lookup_key="base",
    transfer_lookup_key=True)
assert stripe.Price.retrieve(base.id).lookup_key is None
stripe.Price.modify(base.id, active=False)
assert stripe.Price.retrieve(moved.id, expand=["product", "currency_options"]).product.name == "Pro"
stripe.Product.modify(product.id, default_price=moved.id)
refused(stripe.InvalidRequestError, lambda: stripe.Price.modify(moved.id, active=False), param="active")
refused(stripe.InvalidRequestError, lambda: stripe.Product.create(id=product.id, name="x"),
        code="resource_already_exists")
refused(stripe.InvalidRequestError, lambda: stripe.billing.Meter.create(
    display_name="b", event_name="tokens", default_aggregation={"formula": "sum"}), param="event_name")
step("catalog")

# Lists, searches, errors.
for number in range(23):
    stripe.Customer.create(name="c%d" % number, metadata={"group": str(number % 2)})
page = stripe.Customer.list()
assert len(page.data) == 10 and page.has_more
assert len(list(stripe.Customer.list(limit=7).auto_paging_iter())) == 23
back = stripe.Customer.list(limit=5, ending_before=page.data[9].id)
assert [c.id for c in back.data] == [c.id for c in page.data[4:9]]
found = stripe.Customer.search(query="metadata['group']:'1'", limit=4)
assert len(found.data) == 4 and found.has_more
assert len(list(found.auto_paging_iter())) == 11
step("paging and search")

refused(stripe.InvalidRequestError, lambda: stripe.Customer.create(nonsense="1"), code="parameter_unknown",
        http_status=400)
refused(stripe.InvalidRequestError, lambda: stripe.Customer.retrieve("cus_x"), code="resource_missing",
        http_status=404)
refused(stripe.AuthenticationError, lambda: stripe.Balance.retrieve(api_key="sk_live_x"), http_status=401)
for fault, kind, status in (("429", stripe.RateLimitError, 429), ("403", stripe.PermissionError, 403),
                            ("409", stripe.APIError, 409), ("500", stripe.APIError, 500),
                            ("broken_json", stripe.APIError, 502), ("reset_after", stripe.APIConnectionError, None),
                            ("reset_before", stripe.APIConnectionError, None)):
    control("PUT", "/sandbox/faults", {"calls": [{"fault": fault, "path": "/v1/customers", "remaining": 1}]})
    error = refused(kind, lambda: stripe.Customer.create(name="fault"), http_status=status)
    assert stripe.Customer.create(name="fault").id
control("PUT", "/sandbox/faults", {"calls": [{"fault": "reset_after", "path": "/v1/customers", "remaining": 1}]})
stripe.max_network_retries = 2
retried = stripe.Customer.create(name="retried")
stripe.max_network_retries = 0
assert len([c for c in stripe.Customer.list(limit=100).data if c.name == "retried"]) == 1, "done once"
assert retried.last_response.headers["Idempotent-Replayed"] == "true"
step("typed errors")

first = stripe.Customer.create(name="k", idempotency_key="judge")
again = stripe.Customer.create(name="k", idempotency_key="judge")
assert first.id == again.id and again.last_response.headers["Idempotent-Replayed"] == "true"
assert again.last_response.headers["Original-Request"] == first.last_response.request_id
refused(stripe.IdempotencyError, lambda: stripe.Customer.create(name="other", idempotency_key="judge"))
control("PUT", "/sandbox/faults", {"calls": [{"fault": "sticky_500", "path": "/v1/customers", "remaining": 1}]})
for _ in range(2):
    refused(stripe.APIError, lambda: stripe.Customer.create(name="s", idempotency_key="sticky"), http_status=500)
control("PUT", "/sandbox/faults", {})
step("idempotency")

# From Checkout to a subscription.
customer = stripe.Customer.create(email="a@example.com", metadata={"bus_account_id": ACCOUNT})
lines = [{"price": moved.id, "quantity": 1}, {"price": tokens.id}]
refused(stripe.InvalidRequestError, lambda: stripe.checkout.Session.create(
    mode="subscription", success_url="https://a.example/", line_items=[{"price": tokens.id, "quantity": 1}]))
session = stripe.checkout.Session.create(
    mode="subscription", customer=customer.id, client_reference_id=ACCOUNT, line_items=lines,
    success_url="https://a.example/ok?s={CHECKOUT_SESSION_ID}", cancel_url="https://a.example/back",
    metadata={"bus_account_id": ACCOUNT}, subscription_data={"metadata": {"bus_account_id": ACCOUNT}})
assert session.url and session.status == "open" and session.id.startswith("cs_test_") and len(session.id) > 60
read = stripe.checkout.Session.retrieve(session.id, expand=["line_items", "customer"])
assert [item.quantity for item in read.line_items.data] == [1, None] and read.customer.email == "a@example.com"
assert len(stripe.checkout.Session.list_line_items(session.id, limit=1).data) == 1
assert click(session.url, action="decline")[0] == 303
assert click(session.url, action="cancel") == (303, "https://a.example/back")
assert click(session.url, action="pay") == (303, "https://a.example/ok?s=" + session.id)
assert click(session.url, action="pay")[0] == 409, "paid once"
completed = wait_for("/now", "checkout.session.completed").data.object
assert completed.payment_status == "paid" and completed.client_reference_id == ACCOUNT
subscription = stripe.Subscription.retrieve(completed.subscription, expand=["latest_invoice", "items.data.price.product"])
assert subscription.status == "active" and subscription.latest_invoice.status == "paid"
assert subscription["items"].data[0].price.product.name == "Pro"
assert stripe.Subscription.list(customer=customer.id).data[0].id == subscription.id
assert len(stripe.SubscriptionItem.list(subscription=subscription.id).data) == 2
other = stripe.checkout.Session.create(
    mode="payment", success_url="https://a.example/", line_items=[{"price": once.id, "quantity": 2}])
assert click(other.url, action="pay-later")[0] == 303
assert wait_for("/now", "checkout.session.completed", 2).data.object.payment_status == "unpaid"
gone = stripe.checkout.Session.create(
    mode="setup", currency="eur", success_url="https://a.example/", customer=customer.id)
assert stripe.checkout.Session.expire(gone.id).status == "expired"
step("checkout")

# Usage.
usage = {"event_name": "tokens", "payload": {"stripe_customer_id": customer.id, "value": "1200"}, "identifier": "u1"}
assert stripe.billing.MeterEvent.create(**usage).identifier == "u1"
error = refused(stripe.InvalidRequestError, lambda: stripe.billing.MeterEvent.create(**usage), code=None)
assert str(error.user_message).startswith("An event already exists with identifier u1"), error
now = control("GET", "/sandbox/clock")["unix"]
start = now - now % 3600 - 3600
totals = stripe.billing.Meter.list_event_summaries(
    meter.id, customer=customer.id, start_time=start, end_time=start + 7200, value_grouping_window="hour")
assert sum(total.aggregated_value for total in totals.data) == 1200
step("usage")

# The portal, and every change of a subscription.
refused(stripe.InvalidRequestError, lambda: stripe.billing_portal.Session.create(customer="cus_x"), param="customer")
control("PUT", "/sandbox/faults", {"portal_unconfigured": True})
error = refused(stripe.InvalidRequestError, lambda: stripe.billing_portal.Session.create(
    customer=customer.id, return_url="https://a.example/"))
assert "No configuration provided" in str(error.user_message)
control("PUT", "/sandbox/faults", {})
stripe.billing_portal.Configuration.create(features={"invoice_history": {"enabled": True}})
portal = stripe.billing_portal.Session.create(customer=customer.id, return_url="https://a.example/")
assert click(portal.url, action="change-plan", subscription=subscription.id, price=big.id)[0] == 303
updated = wait_for("/now", "customer.subscription.updated").data
assert updated.object["items"].data[0].price.id == big.id
assert updated.previous_attributes["items"]["data"][0]["price"]["id"] == moved.id
assert click(portal.url, action="cancel-at-period-end", subscription=subscription.id)[0] == 303
updated = wait_for("/now", "customer.subscription.updated", about=lambda thing: thing.cancel_at).data.object
assert updated.cancel_at and not updated.cancel_at_period_end
then = wait_for("/then", "customer.subscription.updated", about=lambda thing: thing.cancel_at)
assert then.api_version == "2023-10-16" and then.data.object.cancel_at_period_end
assert then.data.object.current_period_end == updated["items"].data[0].current_period_end
assert click(portal.url, action="resume", subscription=subscription.id)[0] == 303
assert stripe.Subscription.retrieve(subscription.id).cancel_at is None
assert stripe.Subscription.modify(subscription.id, metadata={"note": "x"}).metadata["bus_account_id"] == ACCOUNT
assert not stripe.Subscription.modify(subscription.id, metadata="").metadata.to_dict()
stripe.Subscription.modify(subscription.id, pause_collection={"behavior": "void"})
stripe.Subscription.modify(subscription.id, pause_collection="")
assert stripe.Subscription.modify(subscription.id, cancel_at_period_end=True).cancel_at_period_end
stripe.Subscription.modify(subscription.id, cancel_at_period_end=False)
item = stripe.Subscription.retrieve(subscription.id)["items"].data[0]
stripe.Subscription.modify(
    subscription.id, items=[{"id": item.id, "price": moved.id}], proration_behavior="none")
assert not stripe.InvoiceItem.list(customer=customer.id).data
step("portal and subscription changes")

# Prorations: a change and back costs nothing but rounding, and a bigger one is invoiced at once.
start = item.current_period_start
stripe.Subscription.modify(
    subscription.id, items=[{"id": item.id, "price": big.id}], proration_behavior="always_invoice", proration_date=start)
difference = stripe.Invoice.retrieve(stripe.Subscription.retrieve(subscription.id).latest_invoice)
assert difference.total == 9000 - 2100 and difference.status == "paid", difference
assert [line.amount for line in difference.lines.data] == [-2100, 9000]
assert all(line.parent.subscription_item_details.proration for line in difference.lines.data)
stripe.Subscription.modify(
    subscription.id, items=[{"id": item.id, "price": moved.id}], proration_behavior="always_invoice",
    proration_date=start)
assert stripe.Customer.retrieve(customer.id).balance == 2100 - 9000
stripe.Customer.modify(customer.id, balance=0)
assert not stripe.InvoiceItem.list(customer=customer.id, pending=True).data
assert len(stripe.InvoiceItem.list(customer=customer.id).data) == 4
closed = stripe.billing_portal.Configuration.create(features={"subscription_cancel": {"enabled": False}})
narrow = stripe.billing_portal.Session.create(
    customer=customer.id, return_url="https://a.example/", configuration=closed.id)
assert click(narrow.url, action="cancel-now", subscription=subscription.id)[0] == 409
refused(stripe.InvalidRequestError, lambda: stripe.billing_portal.Configuration.create(
    features={"invoice_history": {"enabled": True}}, login_page={"enabled": True}), param="login_page[enabled]")
step("prorations and a narrow portal")

# A month, and a payment that fails.
assert click(portal.url, action="fail-next-payment", subscription=subscription.id)[0] == 303
control("POST", "/sandbox/clock", {"advance": "32d"})
failed = wait_for("/now", "invoice.payment_failed").data.object
assert failed.parent.subscription_details.subscription == subscription.id and failed.attempt_count == 1
assert failed.total == 2100 + 600, "1200 tokens of half a cent"
old = wait_for("/then", "invoice.payment_failed").data.object
assert old.subscription == subscription.id and old.paid is False
assert stripe.Subscription.retrieve(subscription.id).status == "past_due"
assert stripe.Invoice.pay(failed.id).status == "paid"
assert stripe.Subscription.retrieve(subscription.id).status == "active"
assert wait_for("/now", "checkout.session.async_payment_succeeded").data.object.payment_status == "paid"
assert stripe.Subscription.cancel(subscription.id).status == "canceled"
assert wait_for("/now", "customer.subscription.deleted").data.object.ended_at
assert stripe.Customer.delete(customer.id).deleted
assert stripe.Customer.retrieve(customer.id).deleted
step("renewal, dunning and the end")

# A schedule: a phase writes itself over the subscription, and metadata with empty values goes.
buyer = stripe.Customer.create(invoice_settings={"default_payment_method": "pm_card_visa"})
bought = stripe.Subscription.create(
    customer=buyer.id, items=[{"price": moved.id}], metadata={"bus_account_id": ACCOUNT, "bus_plan_id": "pro", "a": "b"})
refused(stripe.InvalidRequestError, lambda: stripe.SubscriptionSchedule.create(
    from_subscription=bought.id, end_behavior="cancel"), param="end_behavior")
refused(stripe.InvalidRequestError, lambda: stripe.SubscriptionSchedule.create(from_subscription="sub_x"),
        param="from_subscription", code="resource_missing")
schedule = stripe.SubscriptionSchedule.create(from_subscription=bought.id)
refused(stripe.InvalidRequestError, lambda: stripe.SubscriptionSchedule.create(from_subscription=bought.id),
        param="from_subscription")
assert stripe.Subscription.retrieve(bought.id, expand=["schedule"]).schedule.id == schedule.id
phase = schedule.phases[0]
running = {"start_date": phase.start_date, "end_date": phase.end_date, "items": [{"price": moved.id, "quantity": 1}]}
for wrong, param in (
        ({"phases": [{**running, "start_date": phase.start_date + 60}]}, "phases[0][start_date]"),
        ({"phases": [{**running, "iterations": 2}]}, "phases[0][iterations]"),
        ({"phases": [{**running, "duration": {"interval": "month"}}]}, "phases[0][duration]"),
        ({"phases": [{**running, "end_date": phase.start_date}]}, "phases[0][end_date]")):
    refused(stripe.InvalidRequestError, lambda: stripe.SubscriptionSchedule.modify(schedule.id, **wrong), param=param)
schedule = stripe.SubscriptionSchedule.modify(schedule.id, metadata={"by": "judge"}, phases=[
    running, {"items": [{"price": big.id, "quantity": 1}], "duration": {"interval": "month", "interval_count": 2},
              "metadata": {"bus_account_id": "", "bus_plan_id": "other", "c": "d"}}])
assert len(schedule.phases) == 2 and schedule.phases[1].start_date == phase.end_date
assert "by" in schedule.metadata and schedule.current_phase.end_date == phase.end_date
refused(stripe.InvalidRequestError, lambda: stripe.Subscription.modify(bought.id, cancel_at_period_end=True),
        param="cancel_at_period_end")
control("POST", "/sandbox/clock", {"advance": "%ds" % (phase.end_date - control("GET", "/sandbox/clock")["unix"] + 60)})
changed = stripe.Subscription.retrieve(bought.id)
assert [item.price.id for item in changed["items"].data] == [big.id]
assert changed.metadata.to_dict() == {"bus_plan_id": "other", "a": "b", "c": "d"}, changed.metadata
told = [event.data for event in stripe.Event.list(type="customer.subscription.updated", limit=100).data
        if event.data.object.id == bought.id and "metadata" in event.data.previous_attributes]
assert len(told) == 1 and told[0].previous_attributes["items"]["data"][0]["price"]["id"] == moved.id
assert stripe.SubscriptionSchedule.retrieve(schedule.id).current_phase.start_date == phase.end_date
schedule = stripe.SubscriptionSchedule.modify(schedule.id, end_behavior="cancel")
assert stripe.Subscription.retrieve(bought.id).cancel_at == schedule.phases[1].end_date
released = stripe.SubscriptionSchedule.release(schedule.id)
assert released.status == "released" and released.released_subscription == bought.id and not released.subscription
changed = stripe.Subscription.retrieve(bought.id)
assert changed.schedule is None and changed.cancel_at is None and changed.status == "active"
refused(stripe.InvalidRequestError, lambda: stripe.SubscriptionSchedule.release(schedule.id))
second = stripe.SubscriptionSchedule.create(from_subscription=bought.id)
assert [found.id for found in stripe.SubscriptionSchedule.list(customer=buyer.id, limit=1).auto_paging_iter()] == [
    second.id, schedule.id]
assert stripe.SubscriptionSchedule.cancel(second.id, invoice_now=False, prorate=False).status == "canceled"
assert stripe.Subscription.retrieve(bought.id).status == "canceled"
later = stripe.SubscriptionSchedule.create(
    customer=buyer.id, start_date=control("GET", "/sandbox/clock")["unix"] + 3600,
    phases=[{"items": [{"price": big.id}], "trial": True, "duration": {"interval": "week"}}])
assert [found.id for found in stripe.SubscriptionSchedule.list(scheduled=True).data] == [later.id]
assert stripe.SubscriptionSchedule.cancel(later.id).status == "canceled"
wait_for("/now", "subscription_schedule.canceled", 2)
for kind in ("created", "updated", "released", "canceled"):
    assert wait_for("/now", "subscription_schedule." + kind).data.object.object == "subscription_schedule"
step("schedules")

control("POST", "/sandbox/trigger/customer.subscription.deleted?account_id=" + ACCOUNT)
sample = wait_for(
    "/now", "customer.subscription.deleted", about=lambda thing: "bus_account_id" in thing.metadata).data.object
assert sample.metadata["bus_account_id"] == ACCOUNT and sample.status == "canceled"
listed = list(stripe.Event.list(limit=50).auto_paging_iter())
assert len(listed) == len({event.id for event in listed}) > 5, "those of the last 30 days"
assert {event.type for event in stripe.Event.list(type="invoice.*").data} <= {
    "invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_succeeded", "invoice.payment_failed"}
assert stripe.Event.retrieve(listed[0].id).id == listed[0].id
wait_for("/now", listed[0].type)
deadline = time.time() + 30
while time.time() < deadline and {event.id for event in received["/now"]} < {event.id for event in listed}:
    time.sleep(0.05)
heard = {event.id for event in received["/now"]}
assert {event.id for event in listed} <= heard, "every event arrives"
sent = control("GET", "/sandbox/events?limit=10000")["events"]
assert all(delivery["answers"] for delivery in sent if delivery["state"] == "delivered")
control("POST", "/sandbox/events/%s/resend" % listed[3].id)
deadline = time.time() + 30
while time.time() < deadline and sum(event.id == listed[3].id for event in received["/now"]) < 2:
    time.sleep(0.05)
assert sum(event.id == listed[3].id for event in received["/now"]) == 2, "sent again"
step("events and %d verified webhooks" % sum(map(len, received.values())))
