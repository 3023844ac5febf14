"""Opens and closes folds of the live page, and looks whether they stay so when the page renews itself.

    browse_live_folds.py <url>

Prints what was seen as `name: value`.
"""
import sys
import time

from browser import Browser

URL = sys.argv[1]


def renews(browser, text):
    """Lets something happen, and waits until the page shows it by itself."""
    browser.ask("fetch('/live/clock', {method: 'POST', body: new URLSearchParams({advance: '1h'})}).then(a => a.status)")
    deadline = time.monotonic() + 30
    while text not in browser.ask("document.getElementById('clock').innerText"):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


with Browser() as browser:
    browser.open(URL + "/")
    story, quiet = "document.querySelector('details.story')", "document.querySelector('[id^=quiet-sub_]')"
    print("open at first:", browser.ask(f"[{story}.open, {quiet}.open]"))
    browser.ask(f"{story}.querySelector('summary').click(), {quiet}.open = true")
    browser.ask("document.querySelector('#quiet-rest summary').focus()")
    before = browser.loads
    print("news:", renews(browser, "60 min ahead"))
    print("as they were left:", browser.ask(f"[{story}.open, {quiet}.open]"))
    print("focus:", browser.ask("document.activeElement.parentElement.id"))
    print("loads:", browser.loads - before)
    print("console:", browser.complaints)
