"""A flow's parameters: checked against their annotations before a run is made, and shown to the API as JSON."""

import functools
from typing import Any

from headrace.sdk.signature import Parameters, Signature
from headrace.sdk.values import Check, check_for, hints_of, plain, short
from headrace.wire.errors import ParameterTypeError


class Validator:
    """Checks all parameters of one function; the annotations are read on first use."""

    def __init__(self, signature: Signature) -> None:
        self._signature = signature

    @functools.cached_property
    def _checks(self) -> dict[str, Check]:
        function = self._signature.function
        found = {name: check_for(hint) for name, hint in hints_of(function).items() if name in self._signature.names}
        return {name: check for name, check in found.items() if check is not None}

    def validate(self, parameters: Parameters, subject: str) -> Parameters:
        """The parameters as the annotations want them. Raises `ParameterTypeError` naming each that does not fit."""
        checked = dict(parameters)
        wrong: list[str] = []
        for name, check in self._checks.items():
            try:
                checked[name] = self._check_one(name, check, parameters[name])
            except (ValueError, TypeError) as error:
                wrong.append(f"{name}: {error} (given {short(parameters[name])})")
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
    return {name: plain(value) for name, value in parameters.items()}
