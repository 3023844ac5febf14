"""A webhook receiver with Stripe's official Python package, as an ASGI application for uvicorn."""

import os

import stripe

SECRET = os.environ["SECRET"]


async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    signature = dict(scope["headers"]).get(b"stripe-signature", b"").decode()
    try:
        event = stripe.Webhook.construct_event(body, signature, SECRET)
        status, answer = 200, b'{"received":true,"event_id":"%s"}' % event.id.encode()
    except (ValueError, stripe.SignatureVerificationError):
        status, answer = 400, b"refused"
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
