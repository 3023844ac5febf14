"""Reads a compose file as Compose does: JSON on the output, anchors merged, variables filled in.

    compose.py <file> [NAME=value ...]
"""
import json
import re
import sys

import yaml

VARIABLE = re.compile(r"\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|([A-Za-z_][A-Za-z0-9_]*))")


class Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping, of which the last would silently count."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if key.value in seen and key.value != "<<":
                raise ValueError(f"line {key.start_mark.line + 1}: {key.value} stands twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def fill(value, variables):
    if isinstance(value, dict):
        return {key: fill(member, variables) for key, member in value.items()}
    if isinstance(value, list):
        return [fill(member, variables) for member in value]
    if not isinstance(value, str):
        return value

    def replaced(match):
        if match.group(0) == "$$":
            return "$"
        name = match.group(1) or match.group(3)
        if match.group(2) is None and name not in variables:
            raise ValueError(f"{name} has no default")
        return variables.get(name) or match.group(2)

    return VARIABLE.sub(replaced, value)


with open(sys.argv[1], encoding="utf-8") as file:
    document = yaml.load(file, Loader)
variables = dict(pair.split("=", 1) for pair in sys.argv[2:])
json.dump(fill({key: document[key] for key in ("name", "services", "volumes")}, variables), sys.stdout)
