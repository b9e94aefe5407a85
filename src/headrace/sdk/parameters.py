"""A flow's parameters: checked against their annotations before a run is made, and shown to the API as JSON."""

import functools
import pathlib
import sys
import types
import typing
from collections.abc import Callable
from typing import Any

import msgspec

from headrace.sdk.signature import Parameters, Signature
from headrace.wire.errors import ParameterTypeError

Check = Callable[[Any], Any]
"""Takes an argument, gives it back as the annotation wants it, or raises `ValueError` or `TypeError` saying why not."""


class Validator:
    """Checks all parameters of one function; the annotations are read on first use.

    Plain types go through `msgspec.convert` (so that `"3"` is taken for an `int`), instances of other classes are
    told by `isinstance`, and pydantic models by pydantic where the user has it.
    """

    def __init__(self, signature: Signature) -> None:
        self._signature = signature

    @functools.cached_property
    def _checks(self) -> dict[str, Check]:
        function = self._signature.function
        try:
            hints = typing.get_type_hints(function, include_extras=True)
        except Exception:
            # An annotation that cannot be resolved here, such as one under TYPE_CHECKING, checks nothing.
            hints = {name: hint for name, hint in function.__annotations__.items() if not isinstance(hint, str)}
        found = {name: _check(hint) for name, hint in hints.items() if name in self._signature.names}
        return {name: check for name, check in found.items() if check is not None}

    def validate(self, parameters: Parameters, subject: str) -> Parameters:
        """The parameters as the annotations want them. Raises `ParameterTypeError` naming each that does not fit."""
        checked = dict(parameters)
        wrong: list[str] = []
        for name, check in self._checks.items():
            try:
                checked[name] = self._check_one(name, check, parameters[name])
            except (ValueError, TypeError) as error:
                wrong.append(f"{name}: {error} (given {_short(parameters[name])})")
        if wrong:
            raise ParameterTypeError(f"{subject} was called with parameters that do not fit:\n  " + "\n  ".join(wrong))
        return checked

    def _check_one(self, name: str, check: Check, value: Any) -> Any:
        kind = self._signature.inspected.parameters[name].kind
        if kind is kind.VAR_POSITIONAL:
            return tuple(check(item) for item in value)
        if kind is kind.VAR_KEYWORD:
            return {key: check(item) for key, item in value.items()}
        if value is None and self._signature.defaults.get(name, ...) is None:
            return value
        return check(value)


def as_json(parameters: Parameters) -> dict[str, Any]:
    """The parameters as plain JSON values; what JSON has no form for is shown by its `repr`, shortened."""
    return {name: _plain(value) for name, value in parameters.items()}


def _plain(value: Any) -> Any:
    if type(value) in (str, int, float, bool, types.NoneType):
        return value
    try:
        return msgspec.to_builtins(value, str_keys=True, enc_hook=_foreign)
    except Exception:
        return _short(value)


def _foreign(value: Any) -> Any:
    """Values that msgspec does not know: pydantic models as their fields, paths as text, others by `repr`."""
    if isinstance(value, pathlib.PurePath):
        return str(value)
    pydantic = _pydantic()
    if pydantic is not None and isinstance(value, pydantic.BaseModel):
        return value.model_dump(mode="json")
    return _short(value)


def _short(value: Any, limit: int = 200) -> str:
    try:
        shown = repr(value)
    except Exception:
        shown = object.__repr__(value)
    return shown if len(shown) <= limit else shown[:limit] + "…"


def _check(hint: Any) -> Check | None:
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


def _decode(kind: type, value: Any) -> Any:
    """Classes of the standard library and of users: as they are, or from the text that names them."""
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


def _by_pydantic(hint: Any) -> Check:
    adapter: Any = _pydantic().TypeAdapter(hint)

    def check(value: Any) -> Any:
        return adapter.validate_python(value)

    return check
