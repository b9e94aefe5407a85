"""Hiding the secret values of a block's data, and finding them again when the hidden form comes back.

Which values are secret is said by paths such as `password`, `auth.token` or `headers.*` (contract §11.4).
A star stands for every key. A step that an object does not have is looked for further inside of it, because
the paths of blocks in a mapping leave its keys out.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast

HIDDEN = "********"
Data = dict[str, Any]
_Change = Callable[[Any, Any], Any]
_MISSING = object()


def hidden(data: Data, paths: Iterable[str]) -> Data:
    """The data with its secrets hidden: texts and numbers, each in its place; lists as a whole.

    What is null stays null. A list is not hidden item by item, since nobody could tell which item a hidden
    secret belongs to once the list has changed.

    >>> hidden({"user": "ada", "auth": {"token": "t"}}, ["auth.token"])
    {'user': 'ada', 'auth': {'token': '********'}}
    """
    return _changed(data, _MISSING, paths, lambda value, _: None if value is None else HIDDEN)


def restored(data: Data, known: Data, paths: Iterable[str]) -> Data:
    """The data with each hidden secret replaced by the one that is known at the same place, if there is one.

    >>> restored({"user": "bob", "password": "********"}, {"password": "p"}, ["password"])
    {'user': 'bob', 'password': 'p'}
    """
    return _changed(data, known, paths, lambda value, old: value if value != HIDDEN or old is _MISSING else old)


def _changed(data: Data, known: Any, paths: Iterable[str], change: _Change) -> Data:
    for path in dict.fromkeys(paths):
        field, *steps = path.split(".")
        if field == "*":
            data = _walk(data, known, [field, *steps], change)
        elif field in data:
            data = data | {field: _walk(data[field], _at(known, field), steps, change)}
    return data


def _walk(value: Any, known: Any, steps: list[str], change: _Change) -> Any:
    """The value with `change` made where the steps lead; what they do not reach is shared with the original."""
    if not isinstance(value, dict):
        whole = not steps or isinstance(value, list) or value == HIDDEN
        scalar = cast("Any", value)
        return change(scalar, known) if whole else scalar
    members = cast("Data", value)
    if not steps or steps[0] == "*":
        return {key: _walk(member, _at(known, key), steps[1:], change) for key, member in members.items()}
    if steps[0] in members:
        return members | {steps[0]: _walk(members[steps[0]], _at(known, steps[0]), steps[1:], change)}
    return {key: _walk(member, _at(known, key), steps, change) for key, member in members.items()}


def _at(known: Any, key: str) -> Any:
    return cast("Data", known).get(key, _MISSING) if isinstance(known, dict) else _MISSING
