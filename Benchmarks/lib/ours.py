"""Our programs as the measurements start them."""

import base64
import hashlib
import hmac
import http.client
import json
import time

from .machine import Server
from .webhooks import SECRET

JWT_SECRET = "benchmark-hs256-key-not-a-secret"
WEBHOOK_PATH = "/api/internal/stripe/webhook"
UPDATE = "bus.billing.subscription.update"


def token(scopes="billing:subscription:write billing:provider events:send events:listen", audience="ai.hg.fi/api"):
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    now = int(time.time())
    claims = {"sub": "benchmark", "aud": audience, "iat": now, "exp": now + 86400,
              "scope": scopes}
    signed = part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()) + b"." + part(json.dumps(claims).encode())
    return (signed + b"." + part(hmac.new(JWT_SECRET.encode(), signed, hashlib.sha256).digest())).decode()


def events(options, folder, pin=False, postgres=None, name="events"):
    """An Events API on a file of its own, or a node on a PostgreSQL database."""
    store = [] if postgres else ["--events-sqlite-path", f"{folder}/events.sqlite"]
    environment = {"BUS_API_JWT_SECRET": JWT_SECRET, "BUS_LOG_FORMAT": "json"}
    if postgres:
        environment["BUS_EVENTS_POSTGRES_DSN"] = postgres.url
    return Server("bus-api-provider-events", [f"{options.programs}/bus-api-provider-events", "--addr", "127.0.0.1:0", *store],
                  environment, f"{folder}/{name}.log", listener="events", pin=pin)


def ingress(options, folder, events_address, pin=False):
    return Server(
        "bus-integration-stripe",
        [f"{options.programs}/bus-integration-stripe", "--events-url", f"http://{events_address}",
         "--webhook-addr", "127.0.0.1:0", "--webhook-only"],
        {"BUS_API_TOKEN": token(), "BUS_STRIPE_WEBHOOK_SECRET": SECRET, "BUS_LOG_FORMAT": "json"},
        f"{folder}/ingress.log", listener="webhooks", pin=pin)


class Caller:
    """One kept-alive connection to the Events API."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=120)
        self.headers = {"Authorization": f"Bearer {token()}", "Content-Type": "application/json"}

    def call(self, method, path, body=None):
        self.connection.request(method, path, body, self.headers)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status not in (200, 202):
            raise RuntimeError(f"{method} {path}: {answer.status} {data[:300]!r}")
        return data

    def publish(self, name, payload):
        return json.loads(self.call("POST", "/api/v1/events", json.dumps({"name": name, "payload": payload})))
