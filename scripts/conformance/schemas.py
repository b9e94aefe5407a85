"""JSON schemas as trees that can be compared: what kinds of value a place takes, and what is inside it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]
Document = dict[str, Any]

ITEM = "[]"
VALUE = "*"
"""The names of what is inside an array, and of the values of an object with any keys."""

_ANYTHING = frozenset({"array", "boolean", "number", "object", "string", "null"})
_NAMED_FORMATS = {"uuid": "uuid", "date-time": "time", "date": "date"}


@dataclass(frozen=True)
class Place:
    """A value's kinds ("string", "null", …), its members if it is an enumeration, and the places inside it.

    `required` is about the object that the place is a field of.
    """

    kinds: frozenset[str]
    members: frozenset[str] = frozenset()
    required: bool = True
    inside: dict[str, "Place"] = field(default_factory=dict)


def place(schema: Schema, document: Document, *, required: bool = True, above: tuple[str, ...] = ()) -> Place:
    """The tree of a schema. Alternatives are taken together; what refers to itself is followed once."""
    options: list[Schema] = []
    names = above
    for name, option in _options(schema, document, above):
        names = (*names, name) if name else names
        options.append(option)
    kinds = frozenset(kind for option in options for kind in _kinds(option))
    if "number" in kinds:
        kinds -= {"integer"}
    if "any" in kinds or not kinds or kinds >= _ANYTHING:
        return Place(frozenset({"any"}), required=required)
    inside = {
        name: place({"anyOf": schemas}, document, required=needed, above=names)
        for name, (schemas, needed) in _contents(options).items()
    }
    members = frozenset(str(member) for option in options for member in _members(option))
    return Place(kinds, members, required, inside)


def _options(schema: Schema, document: Document, above: tuple[str, ...]) -> Iterator[tuple[str, Schema]]:
    """The plain schemas that a schema stands for, each with the name it was referred to by."""
    if (reference := schema.get("$ref")) is not None:
        name = reference.rsplit("/", 1)[-1]
        if name in above:
            yield "", {"type": "object"}
            return
        for inner, option in _options(document["components"]["schemas"][name], document, (*above, name)):
            yield inner or name, option
        return
    alternatives = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if alternatives is None:
        yield "", schema
        return
    for alternative in alternatives:
        yield from _options(alternative, document, above)


def _kinds(schema: Schema) -> Iterator[str]:
    members = list(_members(schema))
    types = schema.get("type")
    if types is None:
        if members:
            yield from {_kind_of(member) for member in members}
        else:
            yield "object" if "properties" in schema else "any"
        return
    for kind in [types] if isinstance(types, str) else types:
        yield _NAMED_FORMATS.get(schema.get("format", ""), kind) if kind == "string" else kind


def _members(schema: Schema) -> Iterable[Any]:
    return [schema["const"]] if "const" in schema else schema.get("enum", ())


def _kind_of(member: Any) -> str:
    match member:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case _:
            return "string"


def _contents(options: Iterable[Schema]) -> dict[str, tuple[list[Schema], bool]]:
    """What is inside, by name: its schemas, and whether every object among the options must have it."""
    objects = [option for option in options if option.get("type") == "object" or "properties" in option]
    contents: dict[str, tuple[list[Schema], bool]] = {}
    for option in objects:
        for name, schema in option.get("properties", {}).items():
            needed = all(name in other.get("required", ()) for other in objects)
            contents.setdefault(name, ([], needed))[0].append(schema)
        if isinstance(others := option.get("additionalProperties"), dict) and others:
            contents.setdefault(VALUE, ([], True))[0].append(others)
    for option in options:
        for schema in [option["items"]] if isinstance(option.get("items"), dict) else option.get("prefixItems", ()):
            contents.setdefault(ITEM, ([], True))[0].append(schema)
    return contents
