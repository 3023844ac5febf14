"""Walks through bus-local in a real browser, with the keyboard alone: from the request for a page to the end of access.

    browse_live.py <url> <folder of its tokens> <folder for pictures>

Prints what the pages show as `name: value`, and every fault of a page as `fault: …`.
"""
import json
import pathlib
import sys
import time
import urllib.request

from browser import Browser
from page_checks import elsewhere, look, say, self_check

URL, TOKENS, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
DESK = (1280, 900)
ACCOUNT = "00000000-0000-4000-8000-000000000001"
ACCESS = "[...document.querySelectorAll('section')].find(s => s.querySelector('h2')?.textContent.trim() === 'Access')"

# What the page says does not change for a second; what was just heard may still be on its way to it.
STANDS = """(async () => {
  const before = document.body.innerText;
  await new Promise(done => setTimeout(done, 1000));
  return document.body.innerText === before;
})()"""


def ask(path, body=None, token="billing"):
    """A request as a program of the person makes it."""
    request = urllib.request.Request(
        URL + path, data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": "Bearer " + (TOKENS / f"{token}.token").read_text().strip()})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


class Walk:
    def __init__(self, browser):
        self.browser = browser

    def look(self, name, whole=True):
        """Waits until no webhook is under way and the page stands still, then checks the page and keeps it."""
        self.waits(lambda: not any(event["state"] in ("waiting", "sending")
                                   for event in ask("/sandbox/events")["events"]))
        self.waits(lambda: self.browser.ask(STANDS))
        look(self.browser, FOLDER, name, DESK, whole)

    def waits(self, holds):
        """Waits for what the script of the live page fetches by itself."""
        deadline = time.monotonic() + 30
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def access(self):
        return self.browser.ask(f"({ACCESS})?.innerText ?? ''")

    def fact(self, name):
        """What stands beside a word under Access."""
        return self.browser.ask(f"[...(({ACCESS})?.querySelectorAll('dt') ?? [])]"
                                f".find(e => e.textContent === {name!r})?.nextElementSibling.textContent")

    def back(self, name, holds):
        """Goes back from a hosted page; the live page then shows what came of it."""
        self.browser.press("Go back to")
        self.becomes(name, holds)

    def becomes(self, name, holds):
        is_there = self.browser.ask("location.pathname") == "/"
        say(name, is_there and self.waits(holds))

    def portal(self):
        self.browser.open(ask("/api/v1/billing/portal-session", {})["url"])


def buy(walk):
    browser = walk.browser
    browser.open(URL + "/")
    say("empty", "missing" in walk.access())
    walk.look("live-empty")
    browser.open(ask("/api/v1/billing/checkout-session", {"plan_id": "llm-basic"})["url"])
    walk.look("walk-checkout")
    browser.press("Let the card be declined")
    say("declined", "Nothing was charged." in browser.text())
    say("after decline", ask("/api/v1/billing/status")["status"])
    walk.look("walk-declined")
    browser.press("Pay 10.00")
    walk.becomes("active", lambda: "active" in walk.access() and walk.fact("Plan") == "llm-basic")
    walk.look("live-active", whole=False)


def change(walk):
    browser = walk.browser
    walk.portal()
    walk.look("walk-portal")
    browser.choose("Change the plan", "49.00")
    browser.press("Change the plan")
    say("changed", "The plan has changed." in browser.text())
    walk.look("walk-changed")
    walk.back("plan", lambda: walk.fact("Plan") == "llm-pro")
    before = browser.loads
    ask("/api/v1/events", token="service", body={
        "name": "bus.billing.usage.export.request",
        "payload": {"account_id": ACCOUNT, "event_id": "walk-1", "quantity": 4_500_000}})
    say("usage without a reload", walk.waits(lambda: "4\u202f500\u202f000 of 10\u202f000\u202f000" in walk.access())
        and browser.loads == before)
    walk.look("live")
    browser.picture(f"{FOLDER}/live-top.png", whole=False)
    paid = walk.fact("Paid until")
    browser.press("31 days on")
    walk.becomes("renewed", lambda: walk.fact("Paid until") not in (None, paid))
    walk.look("live-renewed", whole=False)


def end(walk):
    browser = walk.browser
    walk.portal()
    browser.press("Cancel when the period ends")
    say("cancelled", "ends with its period" in browser.text())
    walk.look("walk-cancelled")
    walk.back("ends", lambda: "active" in walk.access() and walk.fact("Ends") is not None)
    browser.press("31 days on")
    walk.becomes("ended", lambda: "canceled" in walk.access())
    walk.look("live-ended", whole=False)
    say("in the end", ask("/api/v1/billing/status")["status"])


def main():
    with Browser() as browser:
        browser.size(DESK)
        self_check(browser)
        walk = Walk(browser)
        buy(walk)
        change(walk)
        end(walk)
        say("elsewhere", elsewhere(browser, URL))
        say("console", browser.complaints)


main()
