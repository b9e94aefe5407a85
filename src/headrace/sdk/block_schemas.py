"""What the schema of a block's class says beyond that of its fields (contract §11.4)."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from headrace.sdk.fields import docstring_of, fields_of
from headrace.sdk.secrets import Secret, SecretDict

if TYPE_CHECKING:
    from headrace.sdk.blocks import Block
    from headrace.sdk.json_schemas import Schema

BLOCKS: dict[str, type[Block]] = {}
"""The classes that are there, by the slugs of their types."""


def complete(cls: type[Block], schema: Schema) -> Schema:
    """A schema of fields with their order, the type, the secret fields and the blocks that fields refer to."""
    for position, field in enumerate(schema["properties"].values()):
        field["position"] = position
    return schema | {
        "block_type_slug": cls.get_block_type_slug(),
        "secret_fields": sorted(_secrets(cls)),
        "block_schema_references": _references(cls),
    }


def blocks_in(cls: type[Block]) -> list[type[Block]]:
    """The classes of blocks that fields of a block may hold."""
    return list(dict.fromkeys(block for field in fields_of(cls).values() for block in _blocks(field.hint)))


def description_of(cls: type[Block]) -> str | None:
    """The first paragraph of the class's docstring."""
    return docstring_of(cls)


def _references(cls: type[Block]) -> dict[str, Any]:
    """By field, the type and the checksum of the block it holds; a list of them where it may hold several kinds."""
    found: dict[str, Any] = {}
    for field in fields_of(cls).values():
        held = [
            {"block_type_slug": block.get_block_type_slug(), "block_schema_checksum": block.get_checksum()}
            for block in _blocks(field.hint)
        ]
        if held:
            found[field.name] = held[0] if len(held) == 1 else held
    return found


def _secrets(cls: type[Block]) -> Iterator[str]:
    """The dotted paths of the secret fields; `*` stands for each key of a dict of secrets."""
    for field in fields_of(cls).values():
        for path in _secret_paths(field.hint):
            yield f"{field.name}{path}"


def _secret_paths(hint: Any) -> set[str]:
    if isinstance(hint, type) and issubclass(hint, SecretDict):
        return {".*"}
    if isinstance(hint, type) and issubclass(hint, Secret):
        return {""}
    if (block := _block(hint)) is not None:
        return {f".{path}" for path in _secrets(block)}
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(origin, type) and issubclass(origin, Secret):
        return {""}
    if origin is dict:
        return {f".*{path}" for path in _secret_paths(parts[1])}
    return {path for part in parts for path in _secret_paths(part)} if origin is not list else set()


def _blocks(hint: Any) -> list[type[Block]]:
    """The classes of blocks in an annotation, looking into unions."""
    if (block := _block(hint)) is not None:
        return [block]
    return [block for part in typing.get_args(hint) for block in _blocks(part)]


def _block(hint: Any) -> type[Block] | None:
    from headrace.sdk.blocks import Block

    return hint if isinstance(hint, type) and issubclass(hint, Block) else None
