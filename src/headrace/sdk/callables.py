"""What flows and tasks share: a user's function under a decorator, its name, its code, and its binding to an object."""

from __future__ import annotations

import functools
import inspect
import os
import types
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from headrace.wire.errors import DefinitionError

Seconds = float | int | None


class Unset:
    """Marks an option that was not given, where None has a meaning of its own."""

    def __repr__(self) -> str:
        return "<not given>"


UNSET: Any = Unset()


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not UNSET}


def unwrap_method(function: Any) -> tuple[Callable[..., Any], str]:
    """The plain function under a classmethod or staticmethod, and which of them it was: class, static or plain."""
    if isinstance(function, classmethod):
        return function.__func__, "class"  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if isinstance(function, staticmethod):
        return function.__func__, "static"  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not callable(function):
        raise DefinitionError(f"{function!r} is not a function: put @flow or @task above a `def`.")
    return function, "plain"


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling the function gives something to await; partials and callable objects are looked into."""
    inner = inspect.unwrap(function)
    while isinstance(inner, functools.partial):
        inner = inner.func
    return inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(type(inner).__call__)


def name_of(function: Callable[..., Any]) -> str:
    """The function's own name; a lambda's is made speakable."""
    inner = function.func if isinstance(function, functools.partial) else function
    name = getattr(inner, "__name__", type(inner).__name__)
    return "unknown-lambda" if name == "<lambda>" else name


def key_of(function: Callable[..., Any]) -> str:
    """Tells the tasks of a program apart: the qualified name and a digest of where the function is from."""
    qualified = getattr(function, "__qualname__", type(function).__qualname__)
    code = getattr(inspect.unwrap(function), "__code__", None)
    place = code.co_filename if code is not None else getattr(function, "__module__", "")
    return f"{qualified}-{zlib.crc32(os.path.basename(place).encode()):08x}"


@functools.cache
def version_of_file(path: str) -> str | None:
    """A digest of a source file, so that runs tell which code they ran; None if there is no such file."""
    import hashlib

    try:
        with open(path, "rb") as file:
            return hashlib.md5(file.read(), usedforsecurity=False).hexdigest()
    except OSError:
        return None


def hooks(option: str, given: Any) -> list[Any]:
    """A list of hooks from what a decorator was given. Raises `DefinitionError` for what cannot be called."""
    if given is None:
        return []
    if callable(given) or isinstance(given, str | bytes):
        raise DefinitionError(f"{option} takes a list of functions: write {option}=[{given!r}].")
    found = list(given)
    for hook in found:
        if not callable(hook):
            raise DefinitionError(f"{option} takes functions, and {hook!r} is not one.")
    return found


def bound(function: Callable[..., Any], to: Any) -> Callable[..., Any]:
    """The function as a method of an object."""
    return types.MethodType(function, to)
