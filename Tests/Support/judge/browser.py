"""A headless Chromium that is led by hand: a page, its keyboard, what it loads, and how well it can be read.

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

# What a person who cannot see the page well, or has no mouse, would trip over. Returns faults.
CHECKS = r"""
(() => {
  const faults = [];
  const shown = e => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length > 0;
  const name = e => e.outerHTML.slice(0, 90);
  const named = e => e.getAttribute('aria-label') || e.textContent.trim() || e.title
    || [...(e.labels || [])].map(l => l.textContent.trim()).join(' ');
  if (!document.documentElement.lang) faults.push('the page has no language');
  if (!document.title.trim()) faults.push('the page has no title');
  if (document.querySelectorAll('h1').length !== 1) faults.push('the page does not have one h1');
  if (document.querySelectorAll('main').length !== 1) faults.push('the page does not have one main');
  let level = 0;
  for (const h of document.querySelectorAll('h1, h2, h3, h4')) {
    const own = +h.tagName[1];
    if (own > level + 1) faults.push('a heading is skipped before ' + name(h));
    level = own;
  }
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  for (const id of new Set(ids)) if (ids.filter(x => x === id).length > 1) faults.push('two elements are ' + id);
  for (const e of document.querySelectorAll('[aria-labelledby], [aria-describedby], label[for]'))
    for (const a of ['aria-labelledby', 'aria-describedby', 'for'])
      if (e.hasAttribute(a) && !document.getElementById(e.getAttribute(a))) faults.push(a + ' leads nowhere: ' + name(e));
  for (const e of document.querySelectorAll('input:not([type=hidden]), select, textarea'))
    if (!e.labels.length && !e.getAttribute('aria-label')) faults.push('no label: ' + name(e));
  for (const e of document.querySelectorAll('a, button, summary')) if (!named(e)) faults.push('no name: ' + name(e));
  for (const e of document.querySelectorAll('img, svg:not([aria-hidden=true])'))
    if (!named(e) && !e.alt && !e.querySelector('title')) faults.push('no text alternative: ' + name(e));
  for (const e of document.querySelectorAll('form')) if (e.noValidate) faults.push('checks nothing: ' + name(e));
  for (const e of document.querySelectorAll('style, script:not([src]), [style], [onclick]'))
    faults.push('inline: ' + name(e));

  const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
  const over = (f, b) => [0, 1, 2].map(i => f[i] * f[3] + b[i] * (1 - f[3])).concat(1);
  const ground = e => {
    const layers = [];
    for (let at = e; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((b, f) => over(f, b), [255, 255, 255, 1]);
  };
  const light = c => {
    const [r, g, b] = c.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !shown(e)) continue;
    const s = getComputedStyle(e), b = ground(e), size = parseFloat(s.fontSize);
    const large = size >= 24 || (size >= 18.66 && +s.fontWeight >= 700);
    const got = ratio(over(parse(s.color), b), b);
    if (got < (large ? 3 : 4.5)) faults.push('contrast ' + got.toFixed(2) + ': ' + name(e));
  }
  for (const e of document.querySelectorAll('input:not([type=hidden]), select, button, a.button, a.link, summary')) {
    if (!shown(e)) continue;
    const box = e.getBoundingClientRect();
    if (box.height < 44 || box.width < 44) faults.push('target of ' + box.width + ' × ' + box.height + ': ' + name(e));
    const s = getComputedStyle(e), around = ground(e.parentElement);
    const edge = parseFloat(s.borderTopWidth) ? ratio(over(parse(s.borderTopColor), around), around) : 21;
    const fill = ratio(ground(e), around);
    if (!e.matches('a.link, summary') && Math.max(edge, fill) < 3) faults.push('edge ' + edge.toFixed(2) + ': ' + name(e));
  }
  const wide = document.scrollingElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) {
    const out = [...document.querySelectorAll('main *')].find(e => e.getBoundingClientRect().right > innerWidth);
    faults.push('scrolls sideways by ' + wide + ' px' + (out ? ': ' + name(out) : ''));
  }
  return faults;
})()
"""

FOCUSABLE = """[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
  .filter(e => !e.disabled && e.checkVisibility() && e.getClientRects().length)"""


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

    def tab_to(self, text):
        """Walks with the Tab key until something with this text has the focus."""
        for _ in range(60):
            self.key("Tab")
            if text in self.ask("(e => e === document.body ? '' : e.textContent)(document.activeElement)"):
                return
        raise AssertionError(f"the Tab key does not lead to {text!r}")

    def press(self, text):
        """Goes to a button or link by keyboard, presses Enter and waits for the page that follows."""
        self.tab_to(text)
        before = self.loads
        self.key("Enter")
        self.until(lambda: self.loads > before, f"page after {text!r}")

    def text(self):
        return self.ask("document.body.innerText")

    # What is checked.

    def faults(self):
        """What hinders reading and use, and an order of focus that is not the order of the page."""
        return self.ask(CHECKS) + self.focus_faults()

    def focus_faults(self):
        """Walks once around with the Tab key; where the walk begins does not matter."""
        count = self.ask(f"{FOCUSABLE}.length")
        seen, faults = [], []
        while len(seen) < count:
            self.key("Tab")
            place = self.ask(f"{FOCUSABLE}.indexOf(document.activeElement)")
            if place < 0 and seen and seen[-1] < 0:
                break
            seen.append(place)
            if place < 0:
                count += 1  # The window itself stands between the last and the first.
                continue
            width = self.ask("(s => s.outlineStyle === 'none' ? 0 : parseFloat(s.outlineWidth))"
                             "(getComputedStyle(document.activeElement))")
            if width < 2:
                faults.append("the focus cannot be seen on " + self.ask("document.activeElement.outerHTML.slice(0, 90)"))
        walk = [place for place in seen if place >= 0]
        start = walk.index(0) if 0 in walk else 0
        if walk[start:] + walk[:start] != list(range(self.ask(f"{FOCUSABLE}.length"))):
            faults.append(f"the Tab key goes {seen}")
        self.ask("document.activeElement.blur()")
        return faults

    # How it looks.

    def size(self, size, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=scale,
                  mobile=size[0] < 500)

    def scheme(self, scheme):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, path):
        """Keeps the whole page as a PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1})
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
