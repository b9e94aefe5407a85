"""Names of runs from templates and functions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from headrace.wire.errors import DefinitionError

Template = Callable[..., str] | str


def render(template: Template, values: dict[str, Any], subject: str) -> str:
    """A name: the template filled with the values, or what the function gives.

    A function may take nothing, or the values as `parameters`. Raises `DefinitionError` if there is no text in the end.
    """
    if isinstance(template, str):
        try:
            name = template.format(**values)
        except (KeyError, IndexError, AttributeError) as error:
            raise DefinitionError(
                f"{subject}: the name {template!r} cannot be filled in: {error!r}. "
                f"It may use {', '.join(values) or 'no values'}."
            ) from error
    else:
        takes_parameters = "parameters" in inspect.signature(template).parameters
        name = template(parameters=values) if takes_parameters else template()
    if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] # the user's function may lie
        raise DefinitionError(f"{subject}: the function for its run's name gave {name!r}, which is not a text.")
    return name
