"""Classes whose annotations are their fields: blocks and inputs of runs. They need no model library.

>>> class Address(Fielded):
...     host: str
...     port: int = 5432
>>> Address(host="db", port="5433")
Address(host='db', port=5433)
"""

from __future__ import annotations

import copy
import functools
import typing
from collections.abc import Callable
from typing import Any, ClassVar, Self, dataclass_transform

import msgspec

from headrace.sdk.json_schemas import Definitions, Schema, titled
from headrace.sdk.secrets import Secret
from headrace.sdk.values import Check, check_for, hints_of, plain, short
from headrace.wire.errors import FieldError


class _Missing:
    def __repr__(self) -> str:
        return "<required>"


MISSING: Any = _Missing()


class FieldInfo(msgspec.Struct, frozen=True):
    """What a field is besides its annotation; `Field` makes one."""

    default: Any = MISSING
    default_factory: Callable[[], Any] | None = None
    title: str | None = None
    description: str | None = None

    def is_required(self) -> bool:
        return self.default is MISSING and self.default_factory is None


def Field(
    default: Any = MISSING,
    *,
    default_factory: Callable[[], Any] | None = None,
    title: str | None = None,
    description: str | None = None,
) -> Any:
    """What a field is besides its annotation.

    >>> port: int = Field(5432, description="Where the database listens")
    """
    return FieldInfo(default, default_factory, title, description)


class OneField(msgspec.Struct, frozen=True):
    """One field of a class."""

    name: str
    hint: Any
    info: FieldInfo
    check: Check | None

    def default(self) -> Any:
        """A value of its own for each object."""
        factory = self.info.default_factory
        return factory() if factory is not None else copy.deepcopy(self.info.default)

    def json_schema_in(self, definitions: Definitions) -> Schema:
        """The field's schema, with its default where JSON can say it."""
        schema = titled(definitions.schema_of(self.hint), self.info.title or self.name)
        if self.info.title is not None:
            schema["title"] = self.info.title
        if self.info.description is not None:
            schema["description"] = self.info.description
        if self.info.default is not MISSING:
            schema["default"] = plain(self.info.default)
        return schema


@dataclass_transform(kw_only_default=True, field_specifiers=(Field,))
class Fielded:
    """A class with fields: each annotation whose name does not start with an underscore."""

    def __init__(self, **values: Any) -> None:
        wrong: list[str] = [f"{name}: there is no such field" for name in values if name not in fields_of(type(self))]
        for name, field in fields_of(type(self)).items():
            try:
                self.__dict__[name] = _value(field, values)
            except (ValueError, TypeError) as error:
                wrong.append(f"{name}: {error}")
        if wrong:
            raise FieldError(f"{type(self).__name__} is given values that do not fit:\n  " + "\n  ".join(wrong))

    @classmethod
    def from_plain(cls, value: Any) -> Self:
        """An object from a dict of its values, for fields and parameters that are declared as this class."""
        if not isinstance(value, dict):
            raise ValueError(f"Expected `{cls.__name__}`, got `{type(value).__name__}`")
        return cls(**typing.cast("dict[str, Any]", value))

    @classmethod
    def json_schema_in(cls, definitions: Definitions) -> Schema:
        """The schema of the class; what it refers to goes to the definitions."""
        fields = fields_of(cls).values()
        schema: Schema = {"title": cls.__name__, "type": "object"}
        if (said := docstring_of(cls)) is not None:
            schema["description"] = said
        schema["properties"] = {field.name: field.json_schema_in(definitions) for field in fields}
        if required := [field.name for field in fields if field.info.is_required()]:
            schema["required"] = required
        return schema

    @classmethod
    def json_schema(cls) -> Schema:
        """The schema of the class, whole."""
        definitions = Definitions()
        schema = cls.json_schema_in(definitions)
        return schema | {"definitions": definitions.found} if definitions.found else schema

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fielded) and type(other) is type(self) and values_of(self) == values_of(other)

    __hash__: ClassVar[None] = None  # pyright: ignore[reportIncompatibleMethodOverride] # fields can be set

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in values_of(self).items())
        return f"{type(self).__name__}({shown})"


def values_of(thing: Fielded) -> dict[str, Any]:
    """The values of the fields as they are."""
    return {name: thing.__dict__[name] for name in fields_of(type(thing))}


def plain_values_of(thing: Fielded, foreign: Callable[[Any], Any] | None = None) -> dict[str, Any]:
    """The values of the fields as JSON has them; secrets are asterisks, unless `foreign` says otherwise."""
    return {name: plain(value, foreign or shown) for name, value in values_of(thing).items()}


def shown(value: Any) -> Any:
    """The JSON of objects with fields and of secrets, which stay hidden."""
    match value:
        case Fielded():
            return plain_values_of(value)
        case Secret():
            return str(value)  # pyright: ignore[reportUnknownArgumentType] # a secret of anything
        case _:
            return NotImplemented


def _value(field: OneField, values: dict[str, Any]) -> Any:
    if field.name not in values:
        if field.info.is_required():
            raise ValueError("a value is required")
        return field.default()
    given = values[field.name]
    if field.check is None or (given is None and field.info.default is None):
        return given
    try:
        return field.check(given)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{error} (given {short(given)})") from None


@functools.cache
def fields_of(cls: type[Fielded]) -> dict[str, OneField]:
    """The fields of a class by name, those of its base classes first."""
    found: dict[str, OneField] = {}
    for name, hint in hints_of(cls).items():
        if not name.startswith("_") and typing.get_origin(hint) is not ClassVar and hint is not ClassVar:
            found[name] = OneField(name, hint, _info(cls, name), check_for(hint))
    return found


def _info(cls: type, name: str) -> FieldInfo:
    given = getattr(cls, name, MISSING)
    if isinstance(given, FieldInfo):
        return given
    if callable(getattr(given, "is_required", None)):  # a model library's own description of a field
        default = MISSING if given.is_required() or given.default_factory is not None else given.default
        return FieldInfo(default, given.default_factory, given.title, given.description)
    return FieldInfo(given)


def docstring_of(cls: type) -> str | None:
    """The first paragraph of the docstring that a class itself has."""
    said = cls.__dict__.get("__doc__")
    return " ".join(said.strip().split("\n\n")[0].split()) if said else None
