"""`{{ name }}` in the values of a document: what pull steps, deployments and job templates are filled in with.

A text that is nothing but a placeholder becomes the value itself, of any type; within a text it becomes text.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Literal, cast

import msgspec

_PLACEHOLDER = re.compile(r"{{\s*([\w.\-\[\]$]+)\s*}}")
_STEP = re.compile(r"\.|\[(\d+)\]")


class _Left(Enum):
    LEFT = 0


LEFT = _Left.LEFT
"""What a look-up answers to leave a placeholder as it is."""

LookUp = Callable[[str], Any | Literal[_Left.LEFT]]


def names(value: Any) -> Iterator[str]:
    """The names of all placeholders in a value, with repetitions.

    >>> list(names({"image": "{{ build.image }}:{{ $TAG }}"}))
    ['build.image', '$TAG']
    """
    match value:
        case str():
            yield from _PLACEHOLDER.findall(value)
        case Mapping():
            for key, item in cast("Mapping[Any, Any]", value).items():
                yield from names(key)
                yield from names(item)
        case list():
            for item in cast("list[Any]", value):
                yield from names(item)
        case _:
            return


def fill(value: Any, look_up: LookUp) -> Any:
    """The value with its placeholders filled in.

    >>> fill(["{{ n }}", "{{ n }} times"], {"n": 3}.__getitem__)
    [3, '3 times']
    """
    match value:
        case str():
            return _filled(value, look_up)
        case Mapping():
            items = cast("Mapping[Any, Any]", value).items()
            return {fill(key, look_up): fill(item, look_up) for key, item in items}
        case list():
            return [fill(item, look_up) for item in cast("list[Any]", value)]
        case _:
            return value


def path_of(name: str) -> list[str]:
    """The steps of a dotted name, positions among them.

    >>> path_of("build.images[0].tag")
    ['build', 'images', '0', 'tag']
    """
    return [step for step in _STEP.split(name) if step]


def reach(value: Any, path: Sequence[str]) -> Any:
    """What lies at a path within a value. Raises `LookupError` where the path leads nowhere."""
    for step in path:
        match value:
            case Mapping():
                value = cast("Mapping[str, Any]", value)[step]
            case list() if step.isdecimal():
                value = cast("list[Any]", value)[int(step)]
            case _:
                raise LookupError(step)
    return value


def _filled(text: str, look_up: LookUp) -> Any:
    whole = _PLACEHOLDER.fullmatch(text.strip())
    if whole is not None:
        found = look_up(whole[1])
        return text if found is LEFT else found

    def replacement(match: re.Match[str]) -> str:
        found = look_up(match[1])
        return match[0] if found is LEFT else _text(found)

    return _PLACEHOLDER.sub(replacement, text)


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case Mapping() | list():
            return msgspec.json.encode(value).decode()
        case _:
            return str(value)
