"""What placeholders name: outputs of steps, variables, blocks, and variables of the environment.

`{{ build.image }}` is an output, `{{ headrace.variables.region }}` a variable, `{{ headrace.blocks.secret.token }}` a
block, `{{ $HOME }}` a variable of the environment. `prefect.` in front says the same as `headrace.`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from headrace.rules.placeholders import LEFT, fill, path_of, reach
from headrace.sdk.dispatch import api
from headrace.wire.deploying_errors import UnknownReference
from headrace.wire.errors import ObjectNotFound

_OWNERS = ("headrace", "prefect")
_WHOLE = frozenset({"date-time", "json", "secret", "string"})
"""Types of blocks that stand for the one value they hold."""


def resolve(
    value: Any,
    outputs: Mapping[str, Any] | None = None,
    *,
    environment: bool = True,
    variables: bool = True,
    blocks: bool = True,
) -> Any:
    """The value with its placeholders filled in; kinds that are not asked for stay as they are.

    A placeholder that begins with no known output is somebody else's, such as a template of an automation, and stays.
    Raises `UnknownReference`.
    """
    known = outputs or {}

    def look_up(name: str) -> Any:
        if name.startswith("$"):
            return _environment(name[1:]) if environment else LEFT
        path = path_of(name)
        if path[0] in _OWNERS and len(path) > 2:
            match path[1]:
                case "variables":
                    return _variable(name, path[2:]) if variables else LEFT
                case "blocks":
                    return _block(name, path[2:]) if blocks else LEFT
                case _:
                    return LEFT
        return _output(name, path, known) if path[0] in known else LEFT

    return fill(value, look_up)


def _environment(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise UnknownReference(
            f"The template refers to ${name}, and the environment has no variable {name}: set it."
        ) from None


def _output(name: str, path: list[str], outputs: Mapping[str, Any]) -> Any:
    try:
        return reach(outputs, path)
    except (LookupError, TypeError):
        there: Any = outputs[path[0]]
        known = f"; it gave {', '.join(map(str, there))}" if isinstance(there, Mapping) else ""  # pyright: ignore[reportUnknownArgumentType]
        raise UnknownReference(
            f"The template refers to {name}, which the step {path[0]} did not give{known}."
        ) from None


def _variable(name: str, path: list[str]) -> Any:
    found = api().read_variable_by_name(path[0])
    if found is None:
        raise UnknownReference(f"The template refers to {name}, and there is no variable {path[0]}: set it first.")
    return _inside(found.value, path[1:], name)


def _block(name: str, path: list[str]) -> Any:
    if len(path) < 2:
        raise UnknownReference(f"The template refers to {name}: a block is named by its type and its name.")
    slug, block = path[:2]
    try:
        document = api().read_block_document_by_name(block, slug, True)
    except ObjectNotFound:
        raise UnknownReference(
            f"The template refers to {name}, and there is no block {slug}/{block}: save it first."
        ) from None
    inner = path[2:]
    whole = slug in _WHOLE and "value" in document.data and inner[:1] != ["value"]
    return _inside(document.data["value"] if whole else document.data, inner, name)


def _inside(value: Any, path: list[str], name: str) -> Any:
    try:
        return reach(value, path)
    except (LookupError, TypeError):
        raise UnknownReference(f"The template refers to {name}, and there is no {'.'.join(path)} in it.") from None
