"""Values on the command line: `name=value` where the value is JSON, or else a text."""

import json
import sys
from collections.abc import Sequence
from typing import Any, cast

from headrace.cli.errors import UsageError


def read_assignments(given: Sequence[str] | None, option: str) -> dict[str, Any]:
    """The values of an option that is given as `name=value`, perhaps several times.

    >>> read_assignments(["rows=3", "table=orders"], "--param")
    {'rows': 3, 'table': 'orders'}
    """
    values: dict[str, Any] = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"{option} {text} gives no value: write {option} name=value.")
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = value
    return values


def read_object(text: str | None, option: str) -> dict[str, Any]:
    """The JSON object that an option holds; `-` reads it from standard input."""
    if text is None:
        return {}
    try:
        found = json.loads(sys.stdin.read() if text == "-" else text)
    except ValueError as error:
        raise UsageError(f"{option} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise UsageError(f"""{option} is no JSON object: write it as '{{"name": "value"}}'.""")
    return cast("dict[str, Any]", found)
