"""Judges headers with Stripe's own package.

JSON lines in: {"header", "body_hex", "secret", "now"}.
JSON lines out: {"accepted", "reason"}. The package reads the clock itself, so the clock is set for every case.
"""
import json
import sys
from unittest import mock

import stripe

for line in sys.stdin:
    case = json.loads(line)
    body = bytes.fromhex(case["body_hex"]).decode("utf-8")
    verdict = {"accepted": True, "reason": ""}
    with mock.patch("time.time", return_value=float(case["now"])):
        try:
            stripe.WebhookSignature.verify_header(body, case["header"], case["secret"], tolerance=300)
        except Exception as error:  # A crash of the package is a refusal too; its kind is part of the verdict.
            verdict = {"accepted": False, "reason": type(error).__name__}
    print(json.dumps(verdict))
