"""What a worker makes of a job template: its configuration, filled in for one run (contract §11.1)."""

from collections.abc import Mapping
from typing import Any, cast

from headrace.rules.placeholders import LEFT, fill

Values = Mapping[str, Any]

_ELSEWHERE = ("headrace.", "prefect.", "$")
"""How placeholders begin that stand for variables, blocks and the environment: they are filled in later."""


def configuration(template: Values, *job_variables: Values | None) -> dict[str, Any]:
    """The job configuration of a pool's template, with the defaults of its variables under the job variables.

    Of several job variables the later ones win; those that are null count as not given. What nothing is said about is
    left out.

    >>> configuration(
    ...     {"job_configuration": {"command": "{{ command }}", "env": "{{ env }}"},
    ...      "variables": {"properties": {"command": {"default": "make"}, "env": {}}}},
    ...     {"command": None},
    ... )
    {'command': 'make'}
    """
    given = _defaults(template)
    for variables in job_variables:
        given.update({name: value for name, value in (variables or {}).items() if value is not None})

    def look_up(name: str) -> Any:
        return LEFT if name.startswith(_ELSEWHERE) else given.get(name)

    filled: dict[str, Any] = fill(template.get("job_configuration") or {}, look_up)
    return {name: value for name, value in filled.items() if value is not None}


def _defaults(template: Values) -> dict[str, Any]:
    variables: Values = template.get("variables") or {}
    properties: Values = variables.get("properties") or {}
    found: dict[str, Any] = {}
    for name, schema in properties.items():
        if isinstance(schema, Mapping) and cast("Values", schema).get("default") is not None:
            found[name] = cast("Values", schema)["default"]
    return found
