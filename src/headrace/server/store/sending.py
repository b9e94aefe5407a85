"""Rows into answers: what the database keeps goes out as it is wherever that is its JSON already.

    SENT = sender(FlowRun, FIELDS, empirical_policy=RENDERED(FlowRunPolicy))
    answer = encode(SENT.all(rows, store.dialect))

A long list takes more time to take ids and documents apart and put them together again than to read. What a sender
makes has the struct's fields in their order, but ids as the driver gives them and documents as they are stored, so
it is there to be encoded and no more.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from headrace.server.store.rows import JSON, Field, Kind, Reader


def sender(struct: type[msgspec.Struct], fields: Mapping[str, Field], **instead: Field) -> Reader[Any]:
    """A reader of the same columns that makes structs to be encoded; those of `instead` are read as it says.

    Documents that are stored without their defaults, or may be, belong there.
    """
    return Reader(untyped(struct), {name: instead.get(name) or _sent(field) for name, field in fields.items()})


def untyped(struct: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """A struct of the same fields and defaults that takes any value for them as it is."""
    fields = [(field.name, Any, _default(field)) for field in msgspec.structs.fields(struct)]
    return msgspec.defstruct(struct.__name__, fields, kw_only=True, gc=False)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is msgspec.NODEFAULT:
        return field.default
    return msgspec.field(default_factory=field.default_factory)


def _sent(field: Field) -> Field:
    match field:
        case Kind.UUID:
            return Kind.TEXT
        case JSON():
            return Kind.RAW
        case _:
            return field
