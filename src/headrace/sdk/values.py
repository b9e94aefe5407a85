"""Values and annotations: whether a value is what an annotation wants, and what a value is as JSON.

Plain types go through `msgspec.convert` (so that `"3"` is taken for an `int`), instances of other classes are told by
`isinstance`, and pydantic models by pydantic where the user has it. A class with a `from_plain` classmethod says itself
how it is made of a JSON value.
"""

import functools
import pathlib
import sys
import types
import typing
from collections.abc import Callable
from typing import Any

import msgspec

Check = Callable[[Any], Any]
"""Takes a value, gives it back as the annotation wants it, or raises `ValueError` or `TypeError` saying why not."""


def hints_of(owner: Any) -> dict[str, Any]:
    """The annotations of a function or class; one that cannot be resolved here, such as one under TYPE_CHECKING,
    is left out with all others that are written as text.
    """
    try:
        return typing.get_type_hints(owner, include_extras=True)
    except Exception:
        return {name: hint for name, hint in owner.__annotations__.items() if not isinstance(hint, str)}


def check_for(hint: Any) -> Check | None:
    """How to check a value against an annotation; None if every value fits."""
    if hint is Any or hint is object or isinstance(hint, typing.TypeVar):
        return None
    if _concerns_pydantic(hint):
        return _by_pydantic(hint)
    return functools.partial(_by_msgspec, hint)


def _by_msgspec(hint: Any, value: Any) -> Any:
    if _is_instance(value, hint):
        return value
    try:
        return msgspec.convert(value, hint, strict=False, dec_hook=_decode)
    except msgspec.ValidationError:
        raise
    except TypeError:
        return _by_members(hint, value)


def _is_instance(value: Any, hint: Any) -> bool:
    """Whether a value is of a plain class; a generic alias such as list[int] is none: what it holds matters too."""
    return isinstance(hint, type) and isinstance(value, hint)


def _decode(hint: Any, value: Any) -> Any:
    """Classes of the standard library and of users: as they are, or from the plain value that stands for them."""
    kind: type[Any] = typing.get_origin(hint) or hint
    if isinstance(value, kind):
        return value
    if (make := getattr(kind, "from_plain", None)) is not None:
        return make(value)
    if isinstance(value, str) and issubclass(kind, pathlib.PurePath):
        return kind(value)
    return value


def _by_members(hint: Any, value: Any) -> Any:
    """Annotations that msgspec cannot express, such as a union of several classes: the first member that fits."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        members = typing.get_args(hint)
        for member in members:
            try:
                return _by_msgspec(member, value)
            except (ValueError, TypeError):
                continue
        raise TypeError(f"Expected `{hint}`, got `{type(value).__name__}`")
    if isinstance(origin, type) and not isinstance(value, origin):
        raise TypeError(f"Expected `{hint}`, got `{type(value).__name__}`")
    return value


def _concerns_pydantic(hint: Any) -> bool:
    """Whether a pydantic model is named anywhere in an annotation; users who have none never pay for pydantic."""
    pydantic = _pydantic()
    if pydantic is None:
        return False
    if isinstance(hint, type) and issubclass(hint, pydantic.BaseModel):
        return True
    return any(_concerns_pydantic(part) for part in typing.get_args(hint))


def _pydantic() -> Any:
    """pydantic, if the user's code has imported it."""
    return sys.modules.get("pydantic")


def model_fields_of(kind: Any) -> dict[str, tuple[Any, Any]] | None:
    """The annotation of each field of a pydantic model and pydantic's own description of it; None for other types."""
    pydantic = _pydantic()
    if pydantic is None or not isinstance(kind, type) or not issubclass(kind, pydantic.BaseModel):
        return None
    return {name: (info.annotation, info) for name, info in typing.cast("Any", kind).model_fields.items()}


def _by_pydantic(hint: Any) -> Check:
    adapter: Any = _pydantic().TypeAdapter(hint)

    def check(value: Any) -> Any:
        return adapter.validate_python(value)

    return check


def plain(value: Any, foreign: Callable[[Any], Any] | None = None) -> Any:
    """A value as JSON has it; what JSON has no form for is shown by its `repr`, shortened.

    `foreign` is asked first about values of classes that JSON does not know, and says `NotImplemented` of those that
    it does not know either.
    """
    if type(value) in (str, int, float, bool, types.NoneType):
        return value

    def encode(other: Any) -> Any:
        made = foreign(other) if foreign is not None else NotImplemented
        return _foreign(other) if made is NotImplemented else made

    try:
        return msgspec.to_builtins(value, str_keys=True, enc_hook=encode)
    except Exception:
        return short(value)


def _foreign(value: Any) -> Any:
    """Values that msgspec does not know: pydantic models as their fields, paths as text, others by `repr`."""
    if isinstance(value, pathlib.PurePath):
        return str(value)
    pydantic = _pydantic()
    if pydantic is not None and isinstance(value, pydantic.BaseModel):
        return value.model_dump(mode="json")
    return short(value)


def short(value: Any, limit: int = 200) -> str:
    """The `repr` of a value, cut where it is long."""
    try:
        shown = repr(value)
    except Exception:
        shown = object.__repr__(value)
    return shown if len(shown) <= limit else shown[:limit] + "…"
