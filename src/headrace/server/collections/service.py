"""What is known of packages, by view and package."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from headrace.server.blocks.catalogue import catalogue
from headrace.wire.errors import ObjectNotFound

_OWN = "prefect"
"""The package to which clients look for what needs no other package."""


def view(name: str) -> dict[str, Any]:
    """The content of a view, or raise `ObjectNotFound`."""
    match name:
        case "aggregate-worker-metadata":
            return worker_metadata()
        case "aggregate-block-metadata":
            return {_OWN: {"block_types": _block_metadata()}}
        case "aggregate-flow-metadata":
            return {}
        case _:
            raise ObjectNotFound(f"View {name} not found in registry")


@cache
def worker_metadata() -> dict[str, Any]:
    """Every known type of worker, by package and type, with the template of its work pools."""
    return msgspec.json.decode(Path(__file__).with_name("workers.json").read_bytes())


@cache
def _block_metadata() -> dict[str, Any]:
    return {
        known.type.slug: {
            "name": known.type.name,
            "slug": known.type.slug,
            "logo_url": known.type.logo_url,
            "documentation_url": known.type.documentation_url,
            "description": known.type.description,
            "code_example": known.type.code_example,
            "block_schema": {"fields": known.fields, "capabilities": known.capabilities},
        }
        for known in catalogue().types
    }
