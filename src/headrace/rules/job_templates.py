"""Is a work pool's job template one that workers can fill in? (contract §3, §11.1)"""

import re
from collections.abc import Mapping
from typing import Any, cast

Template = Mapping[str, Any]

_PLACEHOLDER = re.compile(r"{{\s*([\w.\-\[\]$]+)\s*}}")
_ELSEWHERE = ("prefect.", "$")
"""How placeholders begin that stand for variables, blocks and the environment, not for job variables."""


def fault(template: Template) -> str | None:
    """Why the template cannot be used, or None if it can. An empty one leaves all to the worker.

    >>> fault({"job_configuration": {"command": "{{ command }}"}, "variables": {"properties": {}}})
    "The job configuration uses the variable 'command', which `variables` does not declare."
    """
    if not template:
        return None
    for part in ("job_configuration", "variables"):
        if not isinstance(template.get(part), Mapping):
            return f"The base job template must hold a `{part}` object: give both it and the other part, or nothing."
    variables = cast(Mapping[str, Any], template["variables"])
    declared: Mapping[str, Any] = variables.get("properties") or {}
    missing = sorted(set(_placeholders(template["job_configuration"])) - set(declared))
    if missing:
        names = ", ".join(repr(name) for name in missing)
        return f"The job configuration uses variables that `variables` does not declare: {names}."
    return None
