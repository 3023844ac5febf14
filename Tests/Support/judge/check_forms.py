"""Holds form bodies to the parameter classes of Stripe's own package.

JSON lines in: {"call", "form"}, where the call is a key below or "module Class". JSON lines out: {"faults": [...]}, empty when every parameter is known and of its type.
"""
import decimal
import importlib
import json
import re
import sys
import types
import typing
from urllib.parse import parse_qsl

import typing_extensions

CALLS = {
    "checkout": ("stripe.params.checkout._session_create_params", "SessionCreateParams"),
    "portal": ("stripe.params.billing_portal._session_create_params", "SessionCreateParams"),
    "meter": ("stripe.params.billing._meter_event_create_params", "MeterEventCreateParams"),
    "prices": ("stripe.params._price_list_params", "PriceListParams"),
    "product_create": ("stripe.params._product_create_params", "ProductCreateParams"),
    "product_update": ("stripe.params._product_update_params", "ProductUpdateParams"),
    "price_create": ("stripe.params._price_create_params", "PriceCreateParams"),
    "price_update": ("stripe.params._price_update_params", "PriceUpdateParams"),
    "meter_create": ("stripe.params.billing._meter_create_params", "MeterCreateParams"),
    "meter_update": ("stripe.params.billing._meter_update_params", "MeterUpdateParams"),
    "meter_reactivate": ("stripe.params.billing._meter_reactivate_params", "MeterReactivateParams"),
    "product_list": ("stripe.params._product_list_params", "ProductListParams"),
    "meter_list": ("stripe.params.billing._meter_list_params", "MeterListParams"),
    "customer_create": ("stripe.params._customer_create_params", "CustomerCreateParams"),
    "customer_update": ("stripe.params._customer_update_params", "CustomerUpdateParams"),
    "portal_list": ("stripe.params.billing_portal._configuration_list_params", "ConfigurationListParams"),
    "customer_search": ("stripe.params._customer_search_params", "CustomerSearchParams"),
}
# What the library takes beside the parameters: how a request is sent, not what it says.
OPTIONS = {"api_key", "stripe_version", "stripe_account", "stripe_context", "idempotency_key", "headers", "content_type",
           "max_network_retries"}


def tree(form):
    """The nested value that bracket keys spell; lists are dicts with decimal keys until `check` sees them."""
    root = {}
    for key, value in parse_qsl(form, keep_blank_values=True, strict_parsing=bool(form)):
        path = [part for part in re.split(r"[\[\]]+", key) if part]
        node = root
        if key.endswith("[]"):
            path.append(str(len(root.get(path[0], {}))))
        for part in path[:-1]:
            node = node.setdefault(part, {})
        node[path[-1]] = value
    return root


def unwrap(kind):
    while typing.get_origin(kind) in (typing_extensions.NotRequired, typing_extensions.Required, typing.Annotated):
        kind = typing.get_args(kind)[0]
    return kind


def check(value, kind, path, module):
    kind = unwrap(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        tries = [check(value, option, path, module) for option in arguments]
        return min(tries, key=len)
    if origin in (typing.Literal, typing_extensions.Literal):
        return [] if value in arguments else [f"{path}: {value!r} is none of {arguments}"]
    if origin in (list, typing.List):
        if not isinstance(value, dict) or sorted(value) != sorted(str(i) for i in range(len(value))):
            return [f"{path}: not a list without gaps"]
        return [f for i, v in value.items() for f in check(v, arguments[0], f"{path}[{i}]", module)]
    if origin in (dict, typing.Dict):
        if not isinstance(value, dict):
            return [f"{path}: not a map"]
        return [f for k, v in value.items() for f in check(v, arguments[1], f"{path}[{k}]", module)]
    if typing_extensions.is_typeddict(kind) or hasattr(kind, "__annotations__") and issubclass(kind, dict):
        return members(value, kind, path, module)
    if isinstance(value, dict):
        return [f"{path}: a map where {kind} is expected"]
    if kind is bool:
        return [] if value in ("true", "false") else [f"{path}: {value!r} is no bool"]
    if kind is int:
        return [] if re.fullmatch(r"-?[0-9]+", value) else [f"{path}: {value!r} is no integer"]
    if kind is decimal.Decimal:
        return [] if re.fullmatch(r"[0-9]+(\.[0-9]{1,12})?", value) else [f"{path}: {value!r} is no decimal"]
    if kind is str:
        return [] if value else [f"{path}: empty"]
    if kind is type(None):
        return [f"{path}: not empty"]
    return [f"{path}: type {kind} is not understood by this check"]


def hint(kind, name, module):
    """The type of one member; the others may need imports that only type checkers make."""
    one = type("One", (), {"__annotations__": {name: kind.__annotations__[name]}})
    return typing_extensions.get_type_hints(one, vars(module), include_extras=True)[name]


def members(value, kind, path, module):
    if not isinstance(value, dict):
        return [f"{path}: not a map"]
    faults = []
    for name, member in value.items():
        if name not in kind.__annotations__ or (not path and name in OPTIONS):
            faults.append(f"{path}{name}: unknown parameter")
        else:
            faults += check(member, hint(kind, name, module), f"{path}.{name}" if path else name, module)
    for name in getattr(kind, "__required_keys__", ()):
        if name not in value:
            faults.append(f"{path}.{name}: required parameter is missing")
    return faults


for line in sys.stdin:
    case = json.loads(line)
    source, name = CALLS.get(case["call"]) or ("stripe.params." + case["call"]).split(" ")
    module = importlib.import_module(source)
    print(json.dumps({"faults": members(tree(case["form"]), getattr(module, name), "", module)}))
