"""JSON Schemas of annotations, in the form in which the API and its user interface know them.

The form is that of OpenAPI as Python's model libraries write it: a field has a title, what may be missing is `anyOf`
with null, and classes with fields of their own are `definitions` that `$ref` leads to.
"""

import collections.abc
import datetime
import decimal
import enum
import inspect
import pathlib
import types
import typing
import uuid
from typing import Any, cast

import msgspec

from headrace.sdk.secrets import Secret, SecretDict, SecretStr
from headrace.sdk.values import hints_of, plain

Schema = dict[str, Any]

_SIMPLE: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    bytes: {"type": "string", "format": "binary"},
    type(None): {"type": "null"},
    None: {"type": "null"},
    datetime.datetime: {"type": "string", "format": "date-time"},
    datetime.date: {"type": "string", "format": "date"},
    datetime.time: {"type": "string", "format": "time"},
    datetime.timedelta: {"type": "string", "format": "duration"},
    uuid.UUID: {"type": "string", "format": "uuid"},
    decimal.Decimal: {"anyOf": [{"type": "number"}, {"type": "string"}]},
    SecretStr: {"type": "string", "format": "password", "writeOnly": True},
    SecretDict: {"type": "object"},
    dict: {"type": "object"},
    list: {"type": "array", "items": {}},
    tuple: {"type": "array", "items": {}},
    set: {"type": "array", "items": {}, "uniqueItems": True},
    frozenset: {"type": "array", "items": {}, "uniqueItems": True},
}
_LISTS = (list, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_SETS = (set, frozenset, collections.abc.Set)
_KINDS = {str: "string", int: "integer", float: "number", bool: "boolean"}


class Definitions:
    """Collects the schemas of the classes that annotations name."""

    def __init__(self) -> None:
        self.found: dict[str, Schema] = {}

    def schema_of(self, hint: Any) -> Schema:
        """The schema of an annotation; of one that says nothing about JSON, the empty schema, which all values fit."""
        if isinstance(hint, collections.abc.Hashable) and hint in _SIMPLE:
            return dict(_SIMPLE[hint])
        origin, parts = typing.get_origin(hint), typing.get_args(hint)
        if origin is typing.Annotated:
            return self.schema_of(parts[0]) | _notes(parts[1:])
        if origin in (typing.Union, types.UnionType):
            return {"anyOf": [self.schema_of(part) for part in parts]}
        if origin is typing.Literal:
            return _choices(list(parts))
        if origin is not None:
            return self._container(origin, parts)
        return self._class(cast("type[Any]", hint)) if isinstance(hint, type) else {}

    def _container(self, origin: Any, parts: tuple[Any, ...]) -> Schema:
        if origin in _SETS:
            return {"type": "array", "items": self.schema_of(parts[0]), "uniqueItems": True}
        if origin in _LISTS or (origin is tuple and parts[-1] is ...):
            return {"type": "array", "items": self.schema_of(parts[0])}
        if origin is tuple:
            items = [self.schema_of(part) for part in parts]
            return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
        if isinstance(origin, type) and issubclass(origin, collections.abc.Mapping):
            return {"type": "object", "additionalProperties": self.schema_of(parts[1])}
        if isinstance(origin, type) and issubclass(origin, Secret):
            return self.schema_of(parts[0]) | {"writeOnly": True}
        return {}

    def _class(self, hint: type[Any]) -> Schema:
        if issubclass(hint, pathlib.PurePath):
            return {"type": "string", "format": "path"}
        if (own := getattr(hint, "json_schema_in", None)) is not None:
            return self._defined(hint, lambda: own(self))
        if issubclass(hint, enum.Enum):
            return self._defined(hint, lambda: {"title": hint.__name__} | _choices([each.value for each in hint]))
        if hasattr(hint, "model_json_schema"):
            return self._pydantic(hint)
        if _has_fields(hint):
            return self._defined(hint, lambda: self._fields_of(hint))
        return {}

    def _defined(self, hint: type[Any], make: collections.abc.Callable[[], Schema]) -> Schema:
        name = hint.__name__
        if name not in self.found:
            self.found[name] = {}  # a class may hold itself
            self.found[name] = make()
        return {"$ref": f"#/definitions/{name}"}

    def _pydantic(self, hint: Any) -> Schema:
        schema: Schema = hint.model_json_schema(ref_template="#/definitions/{model}")
        self.found.update(schema.pop("$defs", {}))
        return self._defined(hint, lambda: schema)

    def _fields_of(self, hint: type[Any]) -> Schema:
        """Structs, dataclasses, typed dicts and named tuples."""
        optional = _defaults(hint)
        schema: Schema = {"title": hint.__name__, "type": "object", "properties": {}}
        for name, each in hints_of(hint).items():
            if typing.get_origin(each) is not typing.ClassVar:
                schema["properties"][name] = titled(self.schema_of(each), name) | optional.get(name, {})
        schema["required"] = [name for name in schema["properties"] if name not in optional]
        return schema


def titled(schema: Schema, name: str) -> Schema:
    """A field's schema under the field's name, as people read it; a reference has its class's."""
    inner = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    if len(inner) == 1 and "$ref" in inner[0]:
        return schema
    return {"title": name.replace("_", " ").title()} | schema


def _choices(values: list[Any]) -> Schema:
    kinds = {_KINDS.get(cast("type[Any]", type(value))) for value in values}
    schema: Schema = {"enum": values} if len(values) != 1 else {"const": values[0]}
    return schema | {"type": kind} if len(kinds) == 1 and (kind := kinds.pop()) is not None else schema


_BOUNDS = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
    "min_length": "minLength",
    "max_length": "maxLength",
    "description": "description",
    "title": "title",
    "examples": "examples",
}


def _notes(notes: tuple[Any, ...]) -> Schema:
    """What the notes of an `Annotated` say, in the words of a schema; msgspec's and pydantic's have the same names."""
    found: Schema = {}
    for note in notes:
        for name, word in _BOUNDS.items():
            if (value := getattr(note, name, None)) is not None and not callable(value):
                found[word] = value
    return found


def _has_fields(hint: type[Any]) -> bool:
    return issubclass(hint, msgspec.Struct) or any(
        hasattr(hint, mark) for mark in ("__dataclass_fields__", "__total__", "_fields")
    )


def _defaults(hint: Any) -> dict[str, Schema]:
    """The fields that may be left out, with their defaults where JSON can say them."""
    if hasattr(hint, "__total__"):
        return {name: {} for name in hint.__optional_keys__}
    if hasattr(hint, "_field_defaults"):
        return {name: {"default": plain(value)} for name, value in hint._field_defaults.items()}
    found: dict[str, Schema] = {}
    for name, parameter in inspect.signature(hint).parameters.items():
        if parameter.default is not inspect.Parameter.empty:
            known = type(parameter.default) in (str, int, float, bool, type(None))
            found[name] = {"default": parameter.default} if known else {}
    return found
