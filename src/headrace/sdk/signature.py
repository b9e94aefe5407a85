"""A function's parameters, inspected once, so that binding the arguments of a call costs a microsecond."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from headrace.wire.errors import ParameterBindError, ReservedArgument

Parameters = dict[str, Any]
_KEYWORDS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Signature:
    """The parameters of one function: their names, their defaults, and how a call gives them."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.inspected = inspect.signature(function)
        given = self.inspected.parameters
        self.names = tuple(given)
        self.positional = tuple(
            name for name, parameter in given.items() if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        )
        self.defaults = {
            name: parameter.default
            for name, parameter in given.items()
            if parameter.default is not inspect.Parameter.empty
        }
        self.simple = all(parameter.kind in _KEYWORDS for parameter in given.values())
        """No positional-only and no variadic parameters: the function can be called with keywords alone."""
        self.variadic = next((n for n, p in given.items() if p.kind is inspect.Parameter.VAR_KEYWORD), None)

    def reserve(self, names: frozenset[str]) -> None:
        """Refuse parameters whose names mean something else in a call. Raises `ReservedArgument`."""
        if taken := sorted(names.intersection(self.names)):
            raise ReservedArgument(
                f"{self.function.__qualname__!r} has a parameter named {taken[0]!r}, which calls of flows and tasks "
                "give another meaning; give the parameter another name."
            )

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Parameters:
        """The value of each parameter for a call, defaults included, in the order of the signature.

        A `*args` parameter holds a tuple, a `**kwargs` parameter a dict. Raises `ParameterBindError`.
        """
        if self.simple and len(args) <= len(self.positional):
            bound = dict(zip(self.positional, args, strict=False))
            if bound.keys().isdisjoint(kwargs):
                bound = {**self.defaults, **bound, **kwargs}
                if len(bound) == len(self.names) and self._known(kwargs):
                    return {name: bound[name] for name in self.names}
        return self._bind_with_care(args, kwargs)

    def _known(self, kwargs: Mapping[str, Any]) -> bool:
        return all(name in self.inspected.parameters for name in kwargs)

    def _bind_with_care(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Parameters:
        try:
            bound = self.inspected.bind(*args, **kwargs)
        except TypeError as error:
            name = getattr(self.function, "__name__", repr(self.function))
            raise ParameterBindError(
                f"{name}() cannot be called with these arguments: {error}. Its signature is {name}{self.inspected}."
            ) from None
        bound.apply_defaults()
        return dict(bound.arguments)

    def unbind(self, parameters: Parameters) -> tuple[tuple[Any, ...], Parameters]:
        """The positional and keyword arguments that give each parameter its value."""
        if self.simple:
            return (), parameters
        args: list[Any] = []
        kwargs: Parameters = {}
        for name, parameter in self.inspected.parameters.items():
            match parameter.kind:
                case inspect.Parameter.POSITIONAL_ONLY | inspect.Parameter.POSITIONAL_OR_KEYWORD:
                    args.append(parameters[name])
                case inspect.Parameter.VAR_POSITIONAL:
                    args.extend(parameters[name])
                case inspect.Parameter.KEYWORD_ONLY:
                    kwargs[name] = parameters[name]
                case _:
                    kwargs.update(parameters[name])
        return tuple(args), kwargs
