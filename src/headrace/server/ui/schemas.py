"""Do the values of a form fit a JSON Schema? Answered as a tree of faults, shaped like the values."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from headrace.rules import templates
from headrace.rules.hydration import HydrationError, hydrate, variable_names
from headrace.rules.json_schema import Place, misfits
from headrace.rules.schema_form import fault
from headrace.server.store.base import Connection
from headrace.server.variables import service as variables
from headrace.wire.errors import Unprocessable
from headrace.wire.ui import SchemaValueError, SchemaValuesValidationResponse


async def validate(
    connection: Connection, schema: Mapping[str, Any], values: Mapping[str, Any]
) -> SchemaValuesValidationResponse:
    """What is wrong with the values, once placeholders among them have been resolved.

    A template is only known when a run is made, so it is checked as a template and fits any schema.
    Raises `Unprocessable` for a schema that is none.
    """
    if reason := fault(schema):
        raise Unprocessable(f"Invalid schema: {reason}")
    form = _Form(await variables.values(connection, variable_names(values)))
    resolved = form.resolve(values, ())
    try:
        found = [
            (misfit.place if misfit.missing is None else (*misfit.place, misfit.missing), misfit.reason)
            for misfit in misfits(resolved, schema)
            if not form.is_open(misfit.place)
        ]
    except ValueError as error:
        raise Unprocessable(f"Invalid schema: {error}") from error
    errors = _tree([*form.faults, *found])
    return SchemaValuesValidationResponse(errors=errors, valid=not errors)


class _Form:
    """Values whose placeholders are being resolved: what goes wrong with them, and which places stay open."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        self._known = known
        self._open: set[Place] = set()
        self.faults: list[tuple[Place, str]] = []

    def resolve(self, value: Any, at: Place) -> Any:
        match value:
            case {"__prefect_kind": "jinja", "template": str(template)}:
                self._open.add(at)
                self._check(template, at)
                return None
            case {"__prefect_kind": _}:
                return self._hydrated(cast(dict[str, Any], value), at)
            case dict():
                items = cast(dict[str, Any], value).items()
                return {name: self.resolve(item, (*at, name)) for name, item in items}
            case list():
                return [self.resolve(item, (*at, number)) for number, item in enumerate(cast(list[Any], value))]
            case _:
                return value

    def is_open(self, place: Place) -> bool:
        """Whether nothing is known about the value there, or about one that it is a part of."""
        return any(place[:length] in self._open for length in range(len(place) + 1))

    def _check(self, template: str, at: Place) -> None:
        try:
            templates.check(template)
        except templates.TemplateError as error:
            self.faults.append((at, f"Invalid jinja: {error}"))

    def _hydrated(self, value: dict[str, Any], at: Place) -> Any:
        try:
            return hydrate(value, self._known)
        except HydrationError as error:
            self._open.add(at)
            self.faults.append((at, str(error)))
            return None


def _tree(found: Sequence[tuple[Place, str]]) -> list[str | SchemaValueError]:
    """Faults by place as faults within faults."""
    errors: list[str | SchemaValueError] = [reason for place, reason in found if not place]
    inner: dict[str | int, list[tuple[Place, str]]] = {}
    for place, reason in found:
        if place:
            inner.setdefault(place[0], []).append((place[1:], reason))
    for step, deeper in inner.items():
        part = SchemaValueError(errors=_tree(deeper))
        if isinstance(step, int):
            part.index = step
        else:
            part.property = step
        errors.append(part)
    return errors
