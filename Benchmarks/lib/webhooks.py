"""Signed webhooks to load receivers with."""

import hashlib
import hmac
import time

SECRET = "whsec_benchmark_not_secret"
TEMPLATE = "Examples/customer.subscription.updated.json"


def template():
    with open(TEMPLATE) as text:
        return text.read().replace("@CREATED@", str(int(time.time())))


def scattered_template(number):
    """The same event for a subscription and an account of its own, which no other deck with another number has."""
    return (template().replace("sub_demo", f"sub_{number}_@NUMBER@")
            .replace("00000000-0000-4000-8000-000000000001", f"00000000-0000-4000-9{number:03d}-@NUMBER@"))


def foreign_template():
    """The same event of a type without a meaning: verified, parsed, answered, not published."""
    return template().replace("customer.subscription.updated", "customer.subscription.trial_will_end")


def sign(stamp, body):
    code = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={code}"


class Deck:
    """Many distinct webhooks in the two files that both load generators read: the body with places for a number, and the numbers
    with their signatures."""

    def __init__(self, folder, name, count, text):
        self.count = count
        text = text.replace("@EVENT_ID@", f"evt_{name}_@NUMBER@")
        self.pieces = text.encode().split(b"@NUMBER@")
        self.folder = f"{folder}/{name}"
        stamp = str(int(time.time()))
        self.signatures = [sign(stamp, self.body(index)) for index in range(count)]
        with open(self.folder + ".body", "w") as file:
            file.write(text)
        with open(self.folder + ".cards", "w") as file:
            file.writelines(f"{index:012d}\t{signature}\n" for index, signature in enumerate(self.signatures))

    def body(self, index):
        return (b"%012d" % index).join(self.pieces)
