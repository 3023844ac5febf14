"""Makes Tests/Support/TestSupport/Fixtures/broken-deliveries.json: webhooks as they arrive broken, each with its cause.

A delivery without a body has the one at the top; `at` is when it arrives, else as long after its signature as `age` says.

Other hands than ours break them: Python writes the JSON anew, encodes, compresses and signs. Run it after a change here:
    python3 Tests/Support/judge/deliveries.py > Tests/Support/TestSupport/Fixtures/broken-deliveries.json
"""

import base64
import gzip
import hashlib
import hmac
import json
import zlib

SIGNED_AT = 1785600005
CURRENT = "whsec_bus_test_secret_0001"
PREVIOUS = "whsec_bus_test_secret_0002"
CLI = "whsec_bus_test_cli_secret"
LIVE = "whsec_bus_test_live_secret"
STAGING = "whsec_bus_test_staging_secret"
EVENT = {
    "id": "evt_bus_0001", "object": "event", "api_version": "2026-07-29.dahlia", "created": 1785600000,
    "data": {
        "object": {
            "id": "sub_1", "object": "subscription", "currency": "eur", "default_tax_rates": [], "description":
            "Zażółć ☕ <b>Tom & Jerry</b> 50€ / month 😀\t\"so\" \\ it\u2028is", "discount": None, "items":
            {"object": "list", "data": [{"id": "si_1", "object": "subscription_item", "quantity": 2}], "has_more": False},
            "metadata": {}, "ratio": 1.50,
        },
        "previous_attributes": {"status": "trialing"},
    },
    "livemode": False, "pending_webhooks": 1, "type": "customer.subscription.updated",
}
# What Stripe sends: indented by two, UTF-8, keys by name behind id and object.
BODY = json.dumps(EVENT, indent=2, ensure_ascii=False).encode()
WESTERN = BODY.replace("Zażółć ☕".encode(), "café".encode()).replace("😀".encode(), b"").replace("\u2028".encode(), b"")


def code(body, time=SIGNED_AT, secret=CURRENT):
    return hmac.new(secret.encode(), f"{time}.".encode() + body, hashlib.sha256).hexdigest()


def sign(body, time=SIGNED_AT, secret=CURRENT):
    return f"t={time},v1={code(body, time, secret)}"


def case(name, cause, header, body=BODY, **more):
    if header is not None:
        more["header"] = header
    try:
        if body != BODY:
            more["body"] = body.decode()
    except UnicodeDecodeError:
        more["body_base64"] = base64.b64encode(body).decode()
    return {"name": name, "cause": cause, **more}


def anew(**style):
    return json.dumps(json.loads(BODY), **style)


def php(text):
    return json.dumps(json.loads(text), separators=(",", ":")).replace("/", "\\/")


def go(text):
    text = json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    for plain, escape in [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028")]:
        text = text.replace(plain, escape)
    return text


def headers():
    good, t = code(BODY), f"t={SIGNED_AT}"
    yield case("no header", "header_missing", None)
    yield case("empty header", "header_empty", "")
    yield case("blank header", "header_empty", " \t")
    yield case("long header", "header_too_long", f"{t},v1={good}," + "x" * 4096)
    yield case("header sent twice", "header_doubled", f"{sign(BODY)},{sign(BODY)}", secret="current")
    yield case("two proxies' headers", "header_doubled", f"t=1785590000,v1={'0' * 64},{sign(BODY)}", secret="current")
    yield case("header sent twice, body changed too", "header_doubled", f"{sign(BODY)},{sign(BODY)}", b"{}")
    yield case("code cut", "header_incomplete", f"{t},v1={good[:40]}")
    yield case("header cut behind v1=", "header_incomplete", f"{t},v1=")
    yield case("header cut at the comma", "header_incomplete", t)
    yield case("only the code left", "header_incomplete", f"v1={good}")
    yield case("header cut inside the name", "header_incomplete", f"{t},v1")
    yield case("only v0", "header_other_scheme", f"{t},v0={good}")
    yield case("v2 only", "header_other_scheme", f"{t},v2={good}")
    yield case("quoted", "header_altered", f'"{sign(BODY)}"', secret="current")
    yield case("percent-encoded", "header_altered", sign(BODY).replace("=", "%3D").replace(",", "%2C"), secret="current")
    yield case("semicolons", "header_altered", sign(BODY).replace(",", ";"), secret="current")
    yield case("capital digits", "header_altered", f"{t},v1={good.upper()}", secret="current")
    yield case("capital name", "header_altered", f"T={SIGNED_AT},V1={good}", secret="current")
    yield case("blanks for commas", "header_altered", sign(BODY).replace(",", " "), secret="current")
    yield case("blank behind =", "header_altered", f"t= {SIGNED_AT},v1={good}", secret="current")
    yield case("name in the value", "header_altered", f"Stripe-Signature: {sign(BODY)}", secret="current")
    yield case("altered, and the previous secret", "previous_secret", f"'{sign(BODY, secret=PREVIOUS)}'", secret="previous")
    yield case("time in words", "header_unreadable", f"t=soon,v1={good}")
    yield case("nonsense", "header_unreadable", "canary-nonsense")
    yield case("GitHub", "header_other_product", f"sha256={good}")
    yield case("Slack", "header_other_product", f"v0={good}")
    yield case("Svix", "header_other_product", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=")
    yield case("Paddle", "header_other_product", f"ts={SIGNED_AT};h1={good}")
    yield case("Shopify", "header_other_product", base64.b64encode(bytes.fromhex(good)).decode())


def clocks():
    for name, cause, age in [
        ("just too old", "too_old", 301), ("an hour old", "too_old", 3600), ("days old", "too_old", 260000),
        ("ahead", "from_future", -301), ("a summer time ahead", "from_future", -3600),
    ]:
        yield case(name, cause, sign(BODY), age=age, secret="current")
    millis = SIGNED_AT * 1000
    yield case("milliseconds", "from_future", sign(BODY, millis), age=SIGNED_AT - millis, secret="current", at=SIGNED_AT)
    yield case("wrong code of yesterday", "too_old", sign(BODY, SIGNED_AT - 86400, "whsec_x"), proven=False, age=86400, at=SIGNED_AT)


def secrets():
    yield case("no secret", "no_secret", sign(BODY), secrets="")
    yield case("previous secret", "previous_secret", sign(BODY, secret=PREVIOUS), secret="previous")
    yield case("CLI", "cli_secret", sign(BODY, secret=CLI), secret="cli")
    yield case("other mode's secret", "other_mode", sign(BODY, secret=LIVE), secret="live")
    yield case("another endpoint", "known_secret", sign(BODY, secret=STAGING), secret="staging")
    yield case("previous secret, an hour ago", "previous_secret", sign(BODY, secret=PREVIOUS), secret="previous", age=3600)
    yield case("previous secret, newline added", "previous_secret", sign(BODY, secret=PREVIOUS), BODY + b"\n",
               secret="previous", change="end_added")
    yield case("unknown secret", "no_known_secret", sign(BODY, secret="whsec_unknown"))
    yield case("forged code", "no_known_secret", f"t={SIGNED_AT},v1={'a' * 64}")
    live = BODY.replace(b'"livemode": false', b'"livemode": true')
    yield case("unknown secret, live event", "other_mode", sign(live, secret="whsec_unknown"), live, proven=False, mode="test")
    yield case("test event, live deployment", "other_mode", sign(BODY, secret="whsec_unknown"), proven=False, mode="live")
    yield case("API key", "secret_is_api_key", sign(BODY), proven=False, secrets="sk_test_made_up")
    yield case("restricted key", "secret_is_api_key", sign(BODY), proven=False, secrets="rk_live_made_up")
    yield case("endpoint id", "secret_is_endpoint_id", sign(BODY), proven=False, secrets="we_made_up")
    yield case("prefix forgotten", "secret_malformed", sign(BODY), proven=False, secrets=CURRENT[len("whsec_"):])


def bodies():
    def changed(name, change, body, signed=BODY):
        return case(name, "body_changed", sign(signed), body, change=change, secret="current")

    yield changed("newline added", "end_added", BODY + b"\n")
    yield changed("CR LF added", "end_added", BODY + b"\r\n")
    yield changed("zero byte added", "end_added", BODY + b"\0")
    yield changed("a second newline", "end_added", BODY + b"\n\n", BODY + b"\n")
    yield changed("trimmed", "end_removed", BODY, BODY + b"\n")
    yield changed("line ends of Windows", "line_ends", BODY.replace(b"\n", b"\r\n"))
    yield changed("line ends of Windows, one more", "line_ends", BODY.replace(b"\n", b"\r\n") + b"\r\n")
    yield changed("line ends of Unix", "line_ends", BODY, BODY.replace(b"\n", b"\r\n"))
    yield changed("byte order mark", "byte_order_mark", b"\xef\xbb\xbf" + BODY)
    yield changed("byte order mark and newline", "byte_order_mark", b"\xef\xbb\xbf" + BODY + b"\r\n")
    for name in ["utf-16", "utf-16-le", "utf-16-be"]:
        yield changed(name, "utf16", BODY.decode().encode(name))
    yield changed("UTF-16 of PowerShell", "utf16", (BODY.decode().replace("\n", "\r\n") + "\r\n").encode("utf-16"))
    yield changed("Windows-1252", "latin1", WESTERN.decode().encode("cp1252"), WESTERN)
    yield changed("taken for Windows-1252", "encoded_twice", WESTERN.decode().encode().decode("cp1252").encode(), WESTERN)
    yield changed("taken for Latin-1", "encoded_twice", BODY.decode("latin-1").encode())
    yield changed("Base64", "base64", base64.b64encode(BODY))
    yield changed("JSON string", "json_string", json.dumps(BODY.decode()).encode())
    yield changed("compact", "json_whitespace", anew(separators=(",", ":"), ensure_ascii=False).encode())
    yield changed("Python", "json_escapes", anew().encode())
    yield changed("Python, not escaped", "json_whitespace", anew(ensure_ascii=False).encode())
    yield changed("indented by four", "json_whitespace", anew(indent=4, ensure_ascii=False).encode())
    yield changed("tabs", "json_whitespace", anew(indent="\t", ensure_ascii=False).encode() + b"\n")
    yield changed("escaped only", "json_escapes", anew(indent=2).encode())
    yield changed("PHP", "json_escapes", php(BODY).encode())
    yield changed("keys sorted", "json_key_order", anew(indent=2, ensure_ascii=False, sort_keys=True).encode())
    yield changed("Go", "json_key_order", go(BODY).encode())
    compact = anew(separators=(",", ":"), ensure_ascii=False).encode()
    yield changed("compact signed, indented received", "json_whitespace", BODY, compact)
    yield changed("Python signed, compact received", "json_escapes", compact, anew().encode())
    yield case("empty", "body_empty", sign(BODY), b"", proven=False)
    yield case("blank", "body_empty", sign(BODY), b" \r\n", proven=False)
    yield case("gzip", "body_compressed", sign(BODY), gzip.compress(BODY, mtime=0), proven=False)
    yield case("deflate", "body_compressed", sign(BODY), zlib.compress(BODY), proven=False)
    yield case("cut in the middle", "body_cut", sign(BODY), BODY[:200], proven=False)
    yield case("cut at the end", "body_cut", sign(BODY), BODY[:-1], proven=False)
    yield case("form", "body_not_json", sign(BODY), b"payload=%7B%22id%22%3A1%7D", proven=False)
    yield case("array", "body_not_json", sign(BODY), b"[" + BODY + b"]", proven=False)
    yield case("characters lost", "body_changed", sign(BODY), BODY.decode().encode("ascii", "replace").replace(b"?", "\ufffd".encode()),
               proven=False, change="lost_characters")
    yield case("a value changed", "no_known_secret", sign(BODY), BODY.replace(b"sub_1", b"sub_2"))


def main():
    cases = [*headers(), *clocks(), *secrets(), *bodies()]
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    print(f'{{"body": {json.dumps(BODY.decode(), ensure_ascii=False)},\n"deliveries": [\n{lines}\n]}}')


if __name__ == "__main__":
    main()
