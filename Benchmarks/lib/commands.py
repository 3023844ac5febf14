"""How long a command takes to start, and a first sync of a thousand prices against the pace that Stripe allows."""

import http.server
import itertools
import json
import statistics
import subprocess
import threading
import time

from .idle import local
from .report import Report

REQUESTS_PER_SECOND = 20
STARTS = 20
PRICES = 1_000


def _milliseconds(command, environment):
    """Whole processes, one after the other; the first does not count."""
    times = []
    for _ in range(STARTS + 1):
        started = time.perf_counter()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - started) * 1000)
    return sorted(times[1:])


class _EmptyStripe(http.server.BaseHTTPRequestHandler):
    """Has nothing, and makes whatever it is asked to."""

    protocol_version = "HTTP/1.1"
    ids = itertools.count(1)
    requests = 0

    def _answer(self, body):
        type(self).requests += 1
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        if self.path.startswith("/v1/account"):
            self._answer({"id": "acct_bench"})
        else:
            self._answer({"object": "list", "data": [], "has_more": False})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({"id": f"id_{next(self.ids)}"})

    def log_message(self, *_):
        pass


def _sync(options, folder):
    """Requests and seconds of a first sync."""
    catalog = {"products": [{"lookup_key": "llm", "name": "LLM"}],
               "prices": [{"lookup_key": f"k{n}", "product_lookup_key": "llm", "currency": "eur", "unit_amount": n + 1,
                           "interval": "month"} for n in range(PRICES)]}
    path = f"{folder}/catalog.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(catalog, file)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _EmptyStripe)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        environment = {"BUS_STRIPE_SECRET_KEY": "sk_test_bench", "HOME": folder,
                       "BUS_STRIPE_API_URL": f"http://127.0.0.1:{server.server_port}"}
        started = time.perf_counter()
        subprocess.run([f"{options.programs}/bus", "operator", "stripe", "catalog", "sync", "--file", path],
                       env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        return _EmptyStripe.requests, time.perf_counter() - started
    finally:
        server.shutdown()


def measure(options, folder):
    bus = f"{options.programs}/bus"
    with local(options, folder) as server:
        user = {"HOME": folder, "PATH": "/usr/bin:/bin", "BUS_API_BASE_URL": f"http://{server.address}",
                "BUS_API_TOKEN_FILE": f"{folder}/local/billing.token"}
        commands = {
            "bus --help": [bus, "--help"],
            "bus billing status": [bus, "billing", "status"],
            "bus operator billing catalog template": [bus, "operator", "billing", "catalog", "template"],
            "git --version": ["git", "--version"],
            "python -c 'import stripe'": [f"{options.work}/venv/bin/python", "-c", "import stripe"],
        }
        times = {name: _milliseconds(command, user) for name, command in commands.items()}
    base = statistics.median(times["git --version"])
    rows = [["command", "median ms", "min", "max", "x git --version"]]
    for name, values in times.items():
        median = statistics.median(values)
        rows.append([name, f"{median:.1f}", f"{values[0]:.1f}", f"{values[-1]:.1f}", f"{median / base:.1f}"])
    requests, seconds = _sync(options, folder)
    floor = (requests - 1) / REQUESTS_PER_SECOND
    return Report(f"Commands, whole processes, {STARTS} starts each; bus billing status is answered by bus-local", rows,
            [f"first sync of {PRICES} prices: {requests} requests in {seconds:.1f} s; "
             f"{REQUESTS_PER_SECOND} a second allow {floor:.1f} s, so {seconds / floor:.3f} of the floor"])
