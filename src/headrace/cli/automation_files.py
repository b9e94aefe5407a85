"""Automations as files say them: JSON or YAML."""

import json
import sys
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from headrace.cli.errors import CommandFailed, UsageError

T = TypeVar("T")
_GIVEN_OUT = ("id", "created", "updated")
"""What the server gives out, so that what `inspect -o json` printed can be given back."""


def is_file(text: str) -> bool:
    """Whether a text that may be a name is meant as a file."""
    return text == "-" or text.endswith((".json", ".yaml", ".yml"))


def read(kind: type[T], file: Path | None, from_file: Path | None, from_json: str | None) -> list[T]:
    """The automations of a file, of a text or of standard input (`-`): one, a list, or an `automations` list.

    Raises `UsageError` that says where in them something is wrong.
    """
    if sum(each is not None for each in (file, from_file, from_json)) != 1:
        raise UsageError("Say what the automation is: give a file, or its JSON with --from-json.")
    chosen = file or from_file
    given: Any = load(chosen) if chosen is not None else _json(from_json or "", "--from-json")
    return [_made(kind, each) for each in _each(given)]


def read_one(kind: type[T], file: Path | None, from_file: Path | None, from_json: str | None) -> T:
    """The only automation there."""
    found = read(kind, file, from_file, from_json)
    if len(found) != 1:
        raise UsageError(f"One automation is needed, and {len(found)} are given.")
    return found[0]


def _each(given: Any) -> list[Any]:
    if isinstance(given, dict) and "automations" in given:
        given = cast("dict[str, Any]", given)["automations"]
    return cast("list[Any]", given) if isinstance(given, list) else [given]


def _made(kind: type[T], given: Any) -> T:
    if isinstance(given, dict):
        found = cast("dict[str, Any]", given)
        given = {name: value for name, value in found.items() if name not in _GIVEN_OUT}
        if "trigger" in given:
            given["trigger"] = _whole(given["trigger"])
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"The automation is not right: {error}") from None


def _whole(trigger: Any) -> Any:
    """A trigger with what may be left out: its type, if that is event, and its posture, if that is Reactive."""
    if not isinstance(trigger, dict):
        return trigger
    known = {"type": "event", **cast("dict[str, Any]", trigger)}
    if known["type"] == "event":
        return {"posture": "Reactive", **known}
    inner = known.get("triggers")
    return (
        known | {"triggers": [_whole(each) for each in cast("list[Any]", inner)]} if isinstance(inner, list) else known
    )


def load(file: Path) -> Any:
    """What a file of JSON or YAML holds; `-` is standard input, and JSON."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise CommandFailed(f"{file} cannot be read: {error}") from None
    if file.suffix in (".yaml", ".yml"):
        return _yaml(text, file)
    return _json(text, str(file))


def _json(text: str, origin: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"{origin} is no JSON: {error}") from None


def _yaml(text: str, file: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{file} is no YAML: {error}") from None
