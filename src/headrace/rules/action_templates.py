"""The templates that actions hold: where they are, and whether they can be rendered.

Parameters may hold templates at any depth, as strings or as `{"__prefect_kind": "jinja", "template": …}`, beside
the other placeholders that `hydration` resolves.
"""

from collections.abc import Iterator
from typing import Any, cast

from headrace.rules import templates
from headrace.rules.hydration import KIND
from headrace.wire.actions import Action, CallWebhook, RunDeployment, SendNotification

Location = tuple[str | int, ...]


class Fault(ValueError):
    """A template of an action that cannot be rendered; `location` says where in the action it is."""

    def __init__(self, message: str, location: Location, source: str) -> None:
        super().__init__(message)
        self.location, self.source = location, source


def check(action: Action) -> None:
    """Raise `Fault` for the first template of the action that cannot be rendered."""
    for location, template in of(action):
        try:
            templates.check(template)
        except templates.TemplateError as error:
            raise Fault(f"{template!r} is not a valid template: {error}", location, template) from error


def of(action: Action) -> Iterator[tuple[Location, str]]:
    """Every template of the action, with where it is."""
    match action:
        case SendNotification():
            yield ("subject",), action.subject
            yield ("body",), action.body
        case CallWebhook():
            yield ("payload",), action.payload
        case RunDeployment(parameters=parameters) if parameters:
            yield from _within(parameters, ("parameters",))
        case _:
            pass


def upgraded(value: Any) -> Any:
    """A copy of a value whose strings that are templates are placeholders, as `hydration` resolves them.

    >>> upgraded({"day": "{{ event.occurred }}"})
    {'day': {'__prefect_kind': 'jinja', 'template': '{{ event.occurred }}'}}
    """
    match value:
        case str() if _is_template(value):
            return {KIND: "jinja", "template": value}
        case {"__prefect_kind": _}:
            return value
        case dict():
            return {key: upgraded(item) for key, item in cast("dict[str, Any]", value).items()}
        case list():
            return [upgraded(item) for item in cast("list[Any]", value)]
        case _:
            return value


def _within(value: Any, location: Location) -> Iterator[tuple[Location, str]]:
    match value:
        case str() if _is_template(value):
            yield location, value
        case {"__prefect_kind": "jinja", "template": str(template)}:
            yield (*location, "template"), template
        case dict():
            for key, item in cast("dict[str, Any]", value).items():
                yield from _within(item, (*location, key))
        case list():
            for number, item in enumerate(cast("list[Any]", value)):
                yield from _within(item, (*location, number))
        case _:
            return


def _is_template(text: str) -> bool:
    return "{{" in text or "{%" in text
