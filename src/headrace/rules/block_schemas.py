"""What tells one block schema from another: a checksum that clients and server work out alike (contract §11.4)."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, cast


def checksum(fields: Mapping[str, Any]) -> str:
    """`sha256:` and the digest of the fields.

    Which fields are secret does not count, nor do definitions that are empty or of other blocks, whose own
    checksums stand in `block_schema_references`. The digest is of the JSON text `[[fields], {}]` with sorted
    keys, all ASCII.
    """
    plain: dict[str, Any] = _without_secrets(fields)
    definitions = plain.pop("definitions", None)
    if isinstance(definitions, dict):
        named = cast("dict[str, Any]", definitions)
        own = {name: definition for name, definition in named.items() if definition and not _is_block(definition)}
        if own:
            plain["definitions"] = own
    text = json.dumps([[plain], {}], sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _is_block(definition: Any) -> bool:
    """Whether a definition is the schema of a block."""
    return isinstance(definition, dict) and "block_type_slug" in definition


def _without_secrets(value: Any) -> Any:
    match value:
        case dict():
            members = cast("dict[str, Any]", value)
            return {key: _without_secrets(member) for key, member in members.items() if key != "secret_fields"}
        case list():
            return [_without_secrets(item) for item in cast("list[Any]", value)]
        case _:
            return value
