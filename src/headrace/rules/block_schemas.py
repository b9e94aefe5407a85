"""What tells one block schema from another: a checksum that clients and server work out alike (contract §11.4)."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

_DEFINITION = "#/definitions/"
Document = Mapping[str, Any]


def checksum(fields: Document) -> str:
    """`sha256:` and the digest of the fields.

    Which fields are secret does not count, nor do the definitions of other blocks, whose own checksums stand
    in `block_schema_references`. The digest is of the JSON text `[[fields], {}]` with sorted keys, all ASCII.
    """
    plain: dict[str, Any] = _without_secrets(fields)
    definitions: Document = plain.pop("definitions", None) or {}
    kept = {name: definitions[name] for name in _own_definitions(plain, definitions)}
    if kept:
        plain["definitions"] = kept
    text = json.dumps([[plain], {}], sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _without_secrets(value: Any) -> Any:
    match value:
        case dict():
            members = cast("dict[str, Any]", value)
            return {key: _without_secrets(member) for key, member in members.items() if key != "secret_fields"}
        case list():
            return [_without_secrets(item) for item in cast("list[Any]", value)]
        case _:
            return value


def _own_definitions(plain: Document, definitions: Document) -> set[str]:
    """The definitions that the fields lead to, going through no other block."""
    found: set[str] = set()
    waiting = [plain]
    while waiting:
        for name in _references(waiting.pop()):
            definition = definitions.get(name)
            if name not in found and isinstance(definition, dict) and not is_block(definition):
                found.add(name)
                waiting.append(definition)
    return found


def is_block(definition: Document) -> bool:
    """Whether a definition is the schema of a block."""
    return "block_type_slug" in definition


def _references(value: Any) -> Iterator[str]:
    """The names of the definitions that a schema refers to, wherever in it."""
    match value:
        case dict():
            for key, member in cast("dict[str, Any]", value).items():
                if key == "$ref" and isinstance(member, str) and member.startswith(_DEFINITION):
                    yield member.removeprefix(_DEFINITION)
                else:
                    yield from _references(member)
        case list():
            for item in cast("list[Any]", value):
                yield from _references(item)
        case _:
            return
