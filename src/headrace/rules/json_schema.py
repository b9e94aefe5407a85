"""Does a JSON value fit a JSON Schema? The vocabulary that schemas made from Python types use.

Understood: type, enum, const, properties, required, additionalProperties, items, prefixItems, the limits
of sizes and numbers, pattern, allOf, anyOf, oneOf, not, and `$ref` within the document. Other keywords
(title, description, format …) say nothing about fitness here, and defaults are not filled in.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec

from headrace.rules.schema_form import fault

Schema = Mapping[str, Any]
Place = tuple[str | int, ...]
"""The names and positions that lead to a part of a value."""

_DEPTH = 100
_NUMBERS = (int, float)


class CircularSchema(ValueError):
    """The schema refers to itself without end."""


class Misfit(msgspec.Struct, frozen=True):
    """A part of a value that does not fit. `missing` names the property that is not there, if that is why."""

    place: Place
    reason: str
    missing: str | None = None


def misfit(value: Any, schema: Schema) -> str | None:
    """Why the value does not fit, naming the place, or None if it fits.

    >>> misfit({"age": "9"}, {"properties": {"age": {"type": "integer"}}})
    "age: '9' is not of type 'integer'"
    """
    for found in misfits(value, schema):
        return f"{_text(found.place)}: {found.reason}" if found.place else found.reason
    return None


def failure(value: Any, schema: Schema) -> str | None:
    """Why the value does not fit, in the words that Prefect's clients show, or None if it fits.

    >>> failure({"age": "9"}, {"properties": {"age": {"type": "integer"}}})
    "Validation failed for field 'age'. Failure reason: '9' is not of type 'integer'"
    """
    for found in misfits(value, schema):
        field = f" for field {_text(found.place)!r}" if found.place else ""
        return f"Validation failed{field}. Failure reason: {found.reason}"
    return None


def misfits(value: Any, schema: Schema) -> Iterator[Misfit]:
    """Every part of the value that does not fit, in the order of the schema."""
    return _misfits(value, schema, schema, (), 0)


def _text(place: Place) -> str:
    """A place as people write it: `rows[3].name`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return "".join(steps).removeprefix(".")


def _misfits(value: Any, schema: Any, root: Schema, at: Place, depth: int) -> Iterator[Misfit]:
    if depth > _DEPTH:
        raise CircularSchema(f"the schema of {_text(at) or 'the value'} refers to itself without end")
    if schema is False:
        yield Misfit(at, "no value is allowed here")
    if not isinstance(schema, Mapping):
        return
    schema = cast(Schema, schema)
    if "$ref" in schema:
        yield from _misfits(value, _resolve(schema["$ref"], root), root, at, depth + 1)
    for reason in _own_misfits(value, schema):
        yield Misfit(at, reason)
    yield from _combined_misfits(value, schema, root, at, depth)
    if isinstance(value, Mapping):
        yield from _object_misfits(cast(Mapping[str, Any], value), schema, root, at, depth)
    elif isinstance(value, list):
        yield from _array_misfits(cast(list[Any], value), schema, root, at, depth)


def _own_misfits(value: Any, schema: Schema) -> Iterator[str]:
    kinds = schema.get("type")
    if kinds is not None and not any(_is_of(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        yield f"{value!r} is not of type {kinds!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{value!r} is not one of {schema['enum']!r}"
    if "const" in schema and value != schema["const"]:
        yield f"{value!r} is not {schema['const']!r}"
    if isinstance(value, str):
        yield from _size_misfits(len(value), schema, "Length", "characters")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{value!r} does not match {schema['pattern']!r}"
    elif isinstance(value, _NUMBERS) and not isinstance(value, bool):
        yield from _number_misfits(value, schema)


def _number_misfits(value: float, schema: Schema) -> Iterator[str]:
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{value} is less than {schema['minimum']}"
    if "maximum" in schema and value > schema["maximum"]:
        yield f"{value} is greater than {schema['maximum']}"
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        yield f"{value} is not greater than {schema['exclusiveMinimum']}"
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        yield f"{value} is not less than {schema['exclusiveMaximum']}"
    if "multipleOf" in schema and value % schema["multipleOf"]:
        yield f"{value} is not a multiple of {schema['multipleOf']}"


def _size_misfits(size: int, schema: Schema, what: str, unit: str) -> Iterator[str]:
    if size < schema.get(f"min{what}", 0):
        yield f"{size} {unit} are fewer than {schema[f'min{what}']}"
    if f"max{what}" in schema and size > schema[f"max{what}"]:
        yield f"{size} {unit} are more than {schema[f'max{what}']}"


def _combined_misfits(value: Any, schema: Schema, root: Schema, at: Place, depth: int) -> Iterator[Misfit]:
    def fits(option: Any) -> bool:
        return next(_misfits(value, option, root, at, depth + 1), None) is None

    for option in schema.get("allOf", ()):
        yield from _misfits(value, option, root, at, depth + 1)
    if "anyOf" in schema and not any(fits(option) for option in schema["anyOf"]):
        yield Misfit(at, f"{value!r} fits none of the {len(schema['anyOf'])} forms it may have")
    if "oneOf" in schema and sum(fits(option) for option in schema["oneOf"]) != 1:
        yield Misfit(at, f"{value!r} does not fit exactly one of the {len(schema['oneOf'])} forms it may have")
    if "not" in schema and fits(schema["not"]):
        yield Misfit(at, f"{value!r} has a form that is ruled out")


def _object_misfits(value: Mapping[str, Any], schema: Schema, root: Schema, at: Place, depth: int) -> Iterator[Misfit]:
    for name in schema.get("required", ()):
        if name not in value:
            yield Misfit(at, f"{name!r} is a required property", name)
    known = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name not in known and others is False:
            yield Misfit(at, f"{name!r} is not one of its properties")
        else:
            yield from _misfits(item, known.get(name, others), root, (*at, name), depth + 1)
    yield from (Misfit(at, reason) for reason in _size_misfits(len(value), schema, "Properties", "properties"))


def _array_misfits(value: list[Any], schema: Schema, root: Schema, at: Place, depth: int) -> Iterator[Misfit]:
    first = schema.get("prefixItems", ())
    rest = schema.get("items", True)
    for number, item in enumerate(value):
        yield from _misfits(item, first[number] if number < len(first) else rest, root, (*at, number), depth + 1)
    yield from (Misfit(at, reason) for reason in _size_misfits(len(value), schema, "Items", "items"))
    if schema.get("uniqueItems") and any(item in value[:number] for number, item in enumerate(value)):
        yield Misfit(at, "its items are not all different")


def _is_of(value: Any, kind: str) -> bool:
    match kind:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return not isinstance(value, bool) and (
                isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            )
        case "number":
            return isinstance(value, _NUMBERS) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, Mapping)
        case _:
            return False


def _resolve(reference: str, root: Schema) -> Any:
    found: Any = root
    for step in reference.removeprefix("#").split("/")[1:]:
        try:
            found = found[step.replace("~1", "/").replace("~0", "~")]
        except (KeyError, TypeError):
            raise ValueError(f"the schema refers to {reference!r}, which it does not hold") from None
    if reason := fault(found):
        raise ValueError(f"{reference!r} is not a schema: {reason}")
    return found
