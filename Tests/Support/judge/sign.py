"""Signs bodies with Stripe's own package: JSON lines in ({"body_hex", "secret", "time"}), `v1` codes out."""
import json
import sys

import stripe

for line in sys.stdin:
    case = json.loads(line)
    text = bytes.fromhex(case["body_hex"]).decode("utf-8")
    signed = "%d.%s" % (case["time"], text)
    print(stripe.WebhookSignature._compute_signature(signed, case["secret"]))
