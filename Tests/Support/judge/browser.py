"""A headless Chromium that is led by hand: a page, its keyboard, what it loads, and how it looks.

It speaks the DevTools protocol over a pipe, so that no port and no package is needed.
"""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

PHONE = (360, 780)
DESK = (1024, 768)

FOCUSABLE = """[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
  .filter(e => !e.disabled && e.checkVisibility() && e.getClientRects().length)"""

# What the element in focus is called: a list by its label, and everything else by its text.
NAME = """(e => e === document.body ? '' : e.labels?.length ? [...e.labels].map(l => l.textContent).join(' ')
  : e.getAttribute('aria-label') || e.textContent)(document.activeElement)"""


class Browser:
    """One tab of a fresh profile; use it in a `with`.

    `hosts` says where names lead: {"shop.example": "127.0.0.1:4711"}.
    """

    def __init__(self, hosts={}):
        self.hosts = ", ".join(f"MAP {name} {place}" for name, place in hosts.items())

    def __enter__(self):
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        if not program:
            raise SystemExit("chromium is missing; run Scripts/setup test")
        self.profile = tempfile.TemporaryDirectory(prefix="bus-browser-")
        ours, theirs = os.pipe(), os.pipe()
        self.write, self.read = ours[1], theirs[0]
        flags = ("--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --hide-scrollbars "
                 "--disable-background-networking --disable-component-update --disable-default-apps --disable-sync "
                 "--metrics-recording-only --disable-domain-reliability --remote-debugging-pipe "
                 f'--force-color-profile=srgb --lang=en --host-resolver-rules="{self.hosts}"')
        line = f'exec "{program}" {flags} --user-data-dir="{self.profile.name}" about:blank 3<&{ours[0]} 4>&{theirs[1]}'
        self.process = subprocess.Popen(
            ["sh", "-c", line], pass_fds=(ours[0], theirs[1]), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(ours[0])
        os.close(theirs[1])
        self.rest, self.last, self.session = b"", 0, None
        self.answers, self.loads, self.requests, self.complaints = {}, 0, [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.size(DESK)
        return self

    def __exit__(self, *_):
        try:
            self.session = None
            self.call("Browser.close")
        except (OSError, EOFError, RuntimeError):
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)
            self.process.wait()
        os.close(self.write)
        os.close(self.read)
        self.profile.cleanup()

    # The protocol.

    def call(self, method, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        self.until(lambda: self.last in self.answers, f"answer to {method}")
        answer = self.answers.pop(self.last)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def until(self, holds, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not holds():
            left = deadline - time.monotonic()
            if left <= 0:
                raise RuntimeError(f"no {what} within {seconds} s")
            if not select.select([self.read], [], [], left)[0]:
                continue
            data = os.read(self.read, 1 << 20)
            if not data:
                raise EOFError("the browser ended")
            *messages, self.rest = (self.rest + data).split(b"\0")
            for message in messages:
                self.take(json.loads(message))

    def take(self, message):
        method, parameters = message.get("method"), message.get("params", {})
        if "id" in message:
            self.answers[message["id"]] = message
        elif method == "Page.loadEventFired":
            self.loads += 1
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Network.loadingFailed" and not parameters.get("canceled"):
            self.complaints.append("not loaded: " + parameters["errorText"])
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(f"console.{parameters['type']}")
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(parameters["exceptionDetails"]["text"])
        elif method == "Log.entryAdded":
            self.complaints.append(parameters["entry"]["text"])

    def ask(self, expression):
        """The value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression[:80]}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    # What a person does.

    def open(self, url):
        before = self.loads
        self.call("Page.navigate", url=url)
        self.until(lambda: self.loads > before, f"page at {url}")

    def key(self, key, code=None, text=None):
        number = {"Tab": 9, "Enter": 13, "ArrowDown": 40}.get(key, 0)
        common = {"key": key, "code": code or key, "windowsVirtualKeyCode": number}
        if key == "Enter":
            text = "\r"
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown",
                  **common, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def tab_to(self, name, kind="a, button, summary"):
        """Walks with the Tab key until something of a kind that is called so has the focus."""
        for _ in range(300):
            self.key("Tab")
            if name in self.ask(NAME) and self.ask(f"document.activeElement.matches('{kind}')"):
                return
        raise AssertionError(f"the Tab key does not lead to {name!r}")

    def press(self, name):
        """Goes to a button or link by keyboard, presses Enter and waits for the page that follows."""
        self.tab_to(name)
        before = self.loads
        self.key("Enter")
        self.until(lambda: self.loads > before, f"page after {name!r}")

    def choose(self, name, text):
        """Goes to a list by keyboard, and down to the choice with this text."""
        self.tab_to(name, "select")
        for _ in range(60):
            if text in self.ask("document.activeElement.selectedOptions[0].text"):
                return
            self.key("ArrowDown")
        raise AssertionError(f"{name!r} does not offer {text!r}")

    def text(self):
        return self.ask("document.body.innerText")

    # How it looks.

    def size(self, size, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=scale,
                  mobile=size[0] < 500)

    def scheme(self, scheme):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, path, whole=True):
        """Keeps the whole page, or what shows of it at first, as a PNG."""
        metrics = self.call("Page.getLayoutMetrics")
        size = metrics["cssContentSize"]
        height = size["height"] if whole else metrics["cssLayoutViewport"]["clientHeight"]
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1})
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
