"""What Schemathesis must know of our APIs: a stream that follows never ends, so it is asked not to."""
import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.path.endswith("/events/stream"):
        case.query = {**(case.query or {}), "follow": "false"}
