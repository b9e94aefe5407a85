"""Is a document a JSON Schema at all? Asked before it judges values (`json_schema`).

Only the keywords that `json_schema` understands have a form here; whatever else a schema holds is let pass.
"""

import re
from typing import Any, Literal

import msgspec

_Kind = Literal["null", "boolean", "integer", "number", "string", "array", "object"]
_Number = int | float
_Unset = msgspec.UnsetType


class _Keywords(msgspec.Struct, rename="camel"):
    """The keywords with the types that their values must have."""

    type: _Kind | list[_Kind] | _Unset = msgspec.UNSET
    enum: list[Any] | _Unset = msgspec.UNSET
    properties: "dict[str, _Schema] | _Unset" = msgspec.UNSET
    required: list[str] | _Unset = msgspec.UNSET
    additional_properties: "_Schema | _Unset" = msgspec.UNSET
    items: "_Schema | _Unset" = msgspec.UNSET
    prefix_items: "list[_Schema] | _Unset" = msgspec.UNSET
    unique_items: bool | _Unset = msgspec.UNSET
    minimum: _Number | _Unset = msgspec.UNSET
    maximum: _Number | _Unset = msgspec.UNSET
    exclusive_minimum: _Number | _Unset = msgspec.UNSET
    exclusive_maximum: _Number | _Unset = msgspec.UNSET
    multiple_of: _Number | _Unset = msgspec.UNSET
    min_length: int | _Unset = msgspec.UNSET
    max_length: int | _Unset = msgspec.UNSET
    min_items: int | _Unset = msgspec.UNSET
    max_items: int | _Unset = msgspec.UNSET
    min_properties: int | _Unset = msgspec.UNSET
    max_properties: int | _Unset = msgspec.UNSET
    pattern: str | _Unset = msgspec.UNSET
    all_of: "list[_Schema] | _Unset" = msgspec.UNSET
    any_of: "list[_Schema] | _Unset" = msgspec.UNSET
    one_of: "list[_Schema] | _Unset" = msgspec.UNSET
    not_: "_Schema | _Unset" = msgspec.field(default=msgspec.UNSET, name="not")
    ref: str | _Unset = msgspec.field(default=msgspec.UNSET, name="$ref")
    definitions: "dict[str, _Schema] | _Unset" = msgspec.UNSET
    defs: "dict[str, _Schema] | _Unset" = msgspec.field(default=msgspec.UNSET, name="$defs")

    def __post_init__(self) -> None:
        if isinstance(self.multiple_of, _Number) and self.multiple_of <= 0:
            raise ValueError("multipleOf must be greater than 0")
        if isinstance(self.pattern, str):
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"the pattern {self.pattern!r} is not a regular expression: {error}") from None


_Schema = _Keywords | bool


def fault(schema: Any) -> str | None:
    """Why a document cannot serve as a schema, naming the place, or None if it can.

    >>> fault({"type": "object", "required": "name"})
    'Expected `array`, got `str` - at `$.required`'
    """
    try:
        msgspec.convert(schema, _Schema)
    except msgspec.ValidationError as error:
        return str(error)
    return None
