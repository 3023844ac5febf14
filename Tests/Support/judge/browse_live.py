"""Watches the live page of bus-local in a real browser while somebody buys.

    browse_live.py <url> <folder for pictures> <command that prints the address to pay at>

Prints what the page shows as `name: value`, and every fault of it as `fault: …`.
"""
import base64
import os
import subprocess
import sys
import time

from browser import DESK, PHONE, Browser

URL, FOLDER, SETUP = sys.argv[1], sys.argv[2], sys.argv[3:]


def say(name, value):
    print(f"{name}: {value}", flush=True)


def look(browser, name):
    for suffix, scheme, size in (("", "light", (1280, 900)), ("-dark", "dark", (1280, 900)), ("-phone", "light", PHONE)):
        browser.scheme(scheme)
        browser.size(size)
        for fault in browser.faults():
            say("fault", f"{name}{suffix}: {fault}")
        browser.picture(f"{FOLDER}/{name}{suffix}.png")
    browser.scheme("light")
    browser.size(DESK)


def becomes(browser, text):
    """Waits for what the script fetches by itself."""
    deadline = time.monotonic() + 30
    while text not in browser.text():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


with Browser() as browser:
    browser.open(URL + "/")
    say("empty", "Nothing yet." in browser.text())
    look(browser, "live-empty")
    browser.open(subprocess.check_output(SETUP, text=True).strip())
    browser.press("Pay")
    say("came back", browser.ask("location.pathname") == "/")
    say("active", becomes(browser, "Access: active"))
    browser.press("Upgrade in the portal")
    say("upgraded", becomes(browser, "llm-pro"))
    browser.press("31 days on")
    say("renewed", becomes(browser, "The clock was moved"))
    before = browser.loads
    browser.ask("fetch('/live/scenario', {method: 'POST', body: new URLSearchParams({scenario: 'storm'})})"
                ".then(answer => answer.status)")
    say("news without a reload", becomes(browser, "sent again, twice") and browser.loads == before)
    token = os.environ["BUS_API_TOKEN_FILE"].replace("billing", "service")
    for number, quantity in enumerate((2_600_000, 1_900_000)):
        usage = f'{{"account_id":"00000000-0000-4000-8000-000000000001","event_id":"u{number}","quantity":{quantity}}}'
        subprocess.check_call([SETUP[0], "events", "send", "--name", "bus.billing.usage.export.request",
                               "--token-file", token, "--payload", usage], stdout=subprocess.DEVNULL)
    say("usage", becomes(browser, "4\u202f500\u202f000 of 10\u202f000\u202f000"))
    look(browser, "live")
    browser.size((1280, 900))
    browser.ask("scrollTo(0, 0)")
    shot = browser.call("Page.captureScreenshot", format="png")
    with open(f"{FOLDER}/live-top.png", "wb") as file:
        file.write(base64.b64decode(shot["data"]))
    say("elsewhere", [url for url in browser.requests if not url.startswith((URL, "about:"))])
    say("console", browser.complaints)
