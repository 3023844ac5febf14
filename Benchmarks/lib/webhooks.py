"""Signed webhooks to load receivers with."""

import hashlib
import hmac
import time

SECRET = "whsec_benchmark_not_secret"
TEMPLATE = "Examples/customer.subscription.updated.json"


def template():
    with open(TEMPLATE) as text:
        return text.read().replace("@CREATED@", str(int(time.time())))


def foreign_template():
    """The same event of a type without a meaning: verified, parsed, answered, not published."""
    return template().replace("customer.subscription.updated", "customer.subscription.trial_will_end")


def sign(stamp, body):
    code = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={code}"


class Deck:
    """Many distinct webhooks in the two files that wrk's script reads: the body's two halves, and ids with signatures."""

    def __init__(self, folder, name, count, text):
        self.count = count
        before, after = text.split("@EVENT_ID@")
        self.halves = (before.encode(), after.encode())
        self.folder = f"{folder}/{name}"
        stamp = str(int(time.time()))
        self.cards = []
        for index in range(count):
            event = f"evt_{name}_{index:08d}"
            self.cards.append((event, sign(stamp, self.halves[0] + event.encode() + self.halves[1])))
        with open(self.folder + ".before", "wb") as file:
            file.write(self.halves[0])
        with open(self.folder + ".after", "wb") as file:
            file.write(self.halves[1])
        with open(self.folder + ".cards", "w") as file:
            file.writelines(f"{event}\t{signature}\n" for event, signature in self.cards)

    def request(self, index, host, path):
        event, signature = self.cards[index % self.count]
        body = self.halves[0] + event.encode() + self.halves[1]
        head = (f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
                f"Stripe-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n")
        return head.encode() + body
