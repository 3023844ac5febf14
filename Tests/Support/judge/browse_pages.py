"""Walks through the hosted pages of an offline Stripe in a real browser, with the keyboard alone.

    browse_pages.py <url of the sandbox> <folder for pictures>

Prints what the world says after each step as `name: value`, and every fault of a page as `fault: …`.
"""
import http.server
import json
import sys
import threading
import urllib.request

import stripe

from browser import DESK, Browser
from page_checks import elsewhere, look, say, self_check

URL, FOLDER = sys.argv[1], sys.argv[2]
stripe.api_key, stripe.api_base, stripe.enable_telemetry = "sk_test_browser", URL, False


class Shop(http.server.BaseHTTPRequestHandler):
    """Where the buyer comes from and goes back to."""

    def do_GET(self):
        page = b"<!DOCTYPE html><html lang=en><title>Shop</title><link rel=icon href=data:,><h1>Shop</h1>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


class Walk:
    def __init__(self, browser, shop):
        self.browser, self.shop = browser, shop

    def look(self, name):
        look(self.browser, FOLDER, name, DESK)

    def session(self, items, **more):
        return stripe.checkout.Session.create(
            mode="subscription", line_items=items, success_url=self.shop + "/ok?s={CHECKOUT_SESSION_ID}",
            cancel_url=self.shop + "/cart", client_reference_id="6c0e7f6a-0000-4000-8000-000000000001", **more)

    def status(self, name, subscription):
        found = stripe.Subscription.retrieve(subscription)
        say(name, found.status)
        return found


def control(path, body):
    request = urllib.request.Request(URL + path, data=json.dumps(body).encode(), method="POST")
    urllib.request.urlopen(request).close()


def catalog():
    meter = stripe.billing.Meter.create(
        display_name="Tokens", event_name="tokens", default_aggregation={"formula": "sum"})
    starter = stripe.Product.create(name="Starter")
    pro = stripe.Product.create(name="Pro", unit_label="token")
    month = {"interval": "month"}
    return [
        stripe.Price.create(product=starter.id, currency="eur", unit_amount=2000, recurring=month),
        stripe.Price.create(product=pro.id, currency="eur", unit_amount=4900, recurring=month),
        stripe.Price.create(product=pro.id, currency="eur", unit_amount=49000, recurring={"interval": "year"}),
        stripe.Price.create(
            product=pro.id, currency="eur", unit_amount_decimal="0.02",
            recurring={"interval": "month", "usage_type": "metered", "meter": meter.id}),
    ]


def checkout(walk, starter):
    """Declined, then paid, then opened again; a second session is left, a third one paid by debit, a fourth expires."""
    browser = walk.browser
    session = walk.session([{"price": starter.id, "quantity": 1}])
    browser.open(session.url)
    walk.look("checkout")
    browser.press("Let the card be declined")
    say("declined", "declined" in browser.text())
    say("after decline", stripe.checkout.Session.retrieve(session.id).status)
    walk.look("checkout-declined")
    browser.press("Pay 20.00")
    say("came back to", browser.ask("location.pathname + location.search").replace(session.id, "<id>"))
    paid = stripe.checkout.Session.retrieve(session.id)
    say("paid", paid.payment_status)
    walk.status("subscription", paid.subscription)
    browser.open(session.url)
    walk.look("checkout-paid")

    left = walk.session([{"price": starter.id, "quantity": 1}])
    browser.open(left.url)
    browser.press("without paying")
    say("left to", browser.ask("location.pathname"))
    say("left", stripe.checkout.Session.retrieve(left.id).status)
    return paid


def portal(walk, paid):
    """The plan changes, a payment is set to fail, the end is scheduled, taken back, and comes at once."""
    browser = walk.browser
    visit = stripe.billing_portal.Session.create(customer=paid.customer, return_url=walk.shop + "/account")
    browser.open(visit.url)
    walk.look("portal")
    browser.press("Change the plan")
    changed = walk.status("after change", paid.subscription)
    say("plan", stripe.Product.retrieve(changed["items"].data[0].price.product).name)
    walk.look("portal-changed")
    browser.press("Let the next payment fail")
    say("fails", "Will fail" in browser.text())
    browser.press("Let payments succeed")
    browser.press("Cancel when the period ends")
    say("scheduled", bool(stripe.Subscription.retrieve(paid.subscription).cancel_at))
    walk.look("portal-ends")
    browser.press("Keep the subscription")
    say("kept", not stripe.Subscription.retrieve(paid.subscription).cancel_at)
    browser.press("Cancel now")
    walk.status("after cancel", paid.subscription)
    walk.look("portal-ended")
    browser.press("Go back to")
    say("back at", browser.ask("location.pathname"))


def states(walk, prices):
    """Pages that a walk does not meet: a trial with usage, nothing there yet, expired, unknown, paid by debit."""
    browser = walk.browser
    starter, pro, _, tokens = prices
    trial = walk.session(
        [{"price": pro.id, "quantity": 1}, {"price": tokens.id}], subscription_data={"trial_period_days": 14},
        customer_email="a-buyer-with-a-rather-long-address@department.example.com")
    browser.open(trial.url)
    walk.look("checkout-trial")
    browser.press("Start the free trial")
    started = stripe.checkout.Session.retrieve(trial.id)
    walk.status("trial", started.subscription)
    browser.open(stripe.billing_portal.Session.create(customer=started.customer, return_url=walk.shop).url)
    walk.look("portal-trial")

    debit = walk.session([{"price": starter.id, "quantity": 1}])
    browser.open(debit.url)
    browser.press("that settles")
    say("debit", stripe.checkout.Session.retrieve(debit.id).payment_status)
    browser.open(debit.url)
    walk.look("checkout-debit")

    nobody = stripe.Customer.create(email="new@example.com")
    browser.open(stripe.billing_portal.Session.create(customer=nobody.id, return_url=walk.shop).url)
    walk.look("portal-empty")

    late = walk.session([{"price": starter.id, "quantity": 1}])
    browser.open(late.url)
    browser.press("Pay 20.00")
    late = stripe.checkout.Session.retrieve(late.id)
    visit = stripe.billing_portal.Session.create(customer=late.customer, return_url=walk.shop)
    browser.open(visit.url)
    browser.press("Let the next payment fail")
    control("/sandbox/clock", {"advance": "32d"})
    walk.status("a month later", late.subscription)
    browser.open(visit.url)
    walk.look("portal-past-due")
    owed = stripe.Invoice.retrieve(stripe.Subscription.retrieve(late.subscription).latest_invoice)
    browser.press(owed.number)
    walk.look("invoice-open")
    browser.press("Pay 20.00")
    walk.status("after the invoice", late.subscription)
    walk.look("invoice-paid")

    # From here on Chromium itself notes the status of the page, which is no fault of the page.
    expired = walk.session([{"price": starter.id, "quantity": 1}])
    stripe.checkout.Session.expire(expired.id)
    before = list(browser.complaints)
    browser.open(f"{URL}/local/stripe/checkout/{expired.id}")
    walk.look("checkout-expired")
    browser.open(f"{URL}/local/stripe/checkout/cs_test_nobody")
    walk.look("checkout-unknown")
    browser.open(f"{URL}/local/stripe/invoice/test_nobody")
    walk.look("invoice-unknown")
    browser.complaints = before + [c for c in browser.complaints[len(before):] if "status of 4" not in c]


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    shop = "http://shop.example"
    with Browser({"shop.example": f"127.0.0.1:{server.server_address[1]}"}) as browser:
        walk = Walk(browser, shop)
        self_check(browser)
        prices = catalog()
        paid = checkout(walk, prices[0])
        portal(walk, paid)
        states(walk, prices)
        for complaint in browser.complaints:
            say("fault", f"console: {complaint}")
        for place in elsewhere(browser, URL, shop):
            say("fault", f"a request went to {place}")
        say("requests", len(browser.requests) > 20)
    say("done", True)


main()
