"""Hiding the secret values of a block's data, and finding them again when the hidden form comes back.

Which values are secret is said by paths such as `password`, `auth.token` or `headers.*` (contract §11.4).
A star stands for every key of an object and every item of a list.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast

HIDDEN = "********"
Data = dict[str, Any]
_Change = Callable[[Any, Any], Any]
_MISSING = object()


def hidden(data: Data, paths: Iterable[str]) -> Data:
    """The data with its secrets hidden; what is null stays null.

    >>> hidden({"user": "ada", "auth": {"token": "t"}}, ["auth.token"])
    {'user': 'ada', 'auth': {'token': '********'}}
    """
    return _changed(data, _MISSING, paths, lambda value, _: _hide(value))


def restored(data: Data, known: Data, paths: Iterable[str]) -> Data:
    """The data with each hidden secret replaced by the one that is known at the same place, if there is one.

    >>> restored({"user": "bob", "password": "********"}, {"password": "p"}, ["password"])
    {'user': 'bob', 'password': 'p'}
    """
    return _changed(data, known, paths, _restore)


def _hide(value: Any) -> Any:
    return None if value is None else HIDDEN


def _restore(value: Any, known: Any) -> Any:
    return known if value == HIDDEN and known is not _MISSING else value


def _changed(data: Data, known: Any, paths: Iterable[str], change: _Change) -> Data:
    for path in paths:
        data = _walk(data, known, path.split("."), change)
    return data


def _walk(value: Any, known: Any, steps: list[str], change: _Change) -> Any:
    """The value with `change` made where the steps lead; what they do not reach is shared with the original."""
    if not steps:
        return change(value, known)
    step, rest = steps[0], steps[1:]
    match value:
        case dict():
            members = cast("Data", value)
            return {
                key: _walk(member, _at(known, key), rest, change) if step in ("*", key) else member
                for key, member in members.items()
            }
        case list() if step == "*":
            items = cast("list[Any]", value)
            return [_walk(item, _at(known, place), rest, change) for place, item in enumerate(items)]
        case _:
            return cast("Any", value)


def _at(known: Any, key: str | int) -> Any:
    match known, key:
        case dict(), str():
            return cast("Data", known).get(key, _MISSING)
        case list(), int():
            items = cast("list[Any]", known)
            return items[key] if key < len(items) else _MISSING
        case _:
            return _MISSING
