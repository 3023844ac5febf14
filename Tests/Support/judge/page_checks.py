"""What is asked of every page that we show: it can be read and used, by everybody, in light, dark and on a phone."""
import http.server
import threading
import urllib.parse

from browser import FOCUSABLE, PHONE

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

# A page with one fault of each kind, which has to be found; otherwise finding none on ours would say nothing.
PLANTED = b"""<!DOCTYPE html><html><link rel=icon href=data:,>
<h1>One</h1><h1>Two</h1><h3 id=a>Three</h3><p id=a>Again</p>
<form novalidate><input aria-describedby=nowhere style="outline: 0; border-color: #eee; width: 2000px">
<button tabindex=2></button><a href=/x class=link>x</a><img src=data:,></form>
<p style="color: #999; background: #aaa">pale</p><script>console.log(1)</script>"""
KINDS = ["no language", "no title", "one h1", "one main", "heading is skipped", "two elements are a", "leads nowhere",
         "no label", "no name", "no text alternative", "checks nothing", "inline", "contrast", "target of", "edge",
         "sideways", "cannot be seen", "Tab key goes"]


def say(name, value):
    print(f"{name}: {value}", flush=True)


def faults(browser):
    """What hinders reading and use, and an order of focus that is not the order of the page."""
    return browser.ask(CHECKS) + focus_faults(browser)


def focus_faults(browser):
    """Walks once around with the Tab key; where the walk begins does not matter."""
    count = browser.ask(f"{FOCUSABLE}.length")
    seen, found = [], []
    while len(seen) < count:
        browser.key("Tab")
        place = browser.ask(f"{FOCUSABLE}.indexOf(document.activeElement)")
        if place < 0 and seen and seen[-1] < 0:
            break
        seen.append(place)
        if place < 0:
            count += 1  # The window itself stands between the last and the first.
            continue
        width = browser.ask("(s => s.outlineStyle === 'none' ? 0 : parseFloat(s.outlineWidth))"
                            "(getComputedStyle(document.activeElement))")
        if width < 2:
            found.append("the focus cannot be seen on "
                         + browser.ask("document.activeElement.outerHTML.slice(0, 90)"))
    walk = [place for place in seen if place >= 0]
    start = walk.index(0) if 0 in walk else 0
    if walk[start:] + walk[:start] != list(range(browser.ask(f"{FOCUSABLE}.length"))):
        found.append(f"the Tab key goes {seen}")
    browser.ask("document.activeElement.blur()")
    return found


def look(browser, folder, name, desk, whole=True):
    """Checks a page in light, dark and phone width, says what is wrong, and keeps a picture of each, or of its top."""
    for suffix, scheme, size in (("", "light", desk), ("-dark", "dark", desk), ("-phone", "light", PHONE)):
        browser.scheme(scheme)
        browser.size(size)
        for fault in faults(browser):
            say("fault", f"{name}{suffix}: {fault}")
        browser.picture(f"{folder}/{name}{suffix}.png", whole)
    browser.scheme("light")
    browser.size(desk)


def elsewhere(browser, *ours):
    """Where requests went besides our own addresses."""
    places = {urllib.parse.urlsplit(url).netloc for url in browser.requests} - {""}
    return sorted(places - {urllib.parse.urlsplit(url).netloc for url in ours})


class PlantedPage(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PLANTED)))
        self.end_headers()
        self.wfile.write(PLANTED)

    def log_message(self, *_):
        pass


def self_check(browser):
    """Says whether each kind of fault is found where one was planted."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), PlantedPage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"127.0.0.1:{server.server_address[1]}"
    browser.open(f"http://{place}/")
    found = "\n".join(faults(browser))
    say("planted but not found", [kind for kind in KINDS if kind not in found])
    say("console seen", browser.complaints == ["console.log"])
    say("elsewhere seen", elsewhere(browser) == [place])
    browser.complaints, browser.requests = [], []
    server.shutdown()
