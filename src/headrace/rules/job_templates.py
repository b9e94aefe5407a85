"""Is a work pool's job template one that workers can fill in, as contract §3 and §11.1 ask?"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from headrace.rules import schema_form
from headrace.rules.json_schema import misfit

Template = Mapping[str, Any]

_PLACEHOLDER = re.compile(r"{{\s*([\w.\-\[\]$]+)\s*}}")
_ELSEWHERE = ("prefect.", "$")
"""How placeholders begin that stand for variables, blocks and the environment, not for job variables."""


def fault(template: Template) -> str | None:
    """Why the template cannot be used, or None if it can. An empty one leaves all to the worker.

    >>> fault({"job_configuration": {"command": "{{ command }}"}, "variables": {"type": "object"}})
    "The job configuration uses variables that `variables` does not declare as properties: 'command'."
    """
    if not template:
        return None
    variables: Any = template.get("variables")
    if not template.get("job_configuration") or not isinstance(variables, Mapping) or not variables:
        return "The `base_job_template` must contain both a `job_configuration` key and a `variables` key, or nothing."
    declared = _properties(cast(Template, variables))
    missing = sorted(set(_placeholders(template["job_configuration"])) - declared.keys())
    if missing:
        names = ", ".join(repr(name) for name in missing)
        return f"The job configuration uses variables that `variables` does not declare as properties: {names}."
    reason = schema_form.fault(variables)
    return None if reason is None else f"`variables` is not a JSON Schema: {reason}"


def unfit_default(template: Template) -> str | None:
    """Which variable's default its own schema does not take, and why, or None. A default may refer to a block."""
    variables: Template = template.get("variables") or {}
    for name, schema in _properties(variables).items():
        default: Any = cast(Template, schema).get("default") if isinstance(schema, Mapping) else None
        if default is None or _is_reference(default):
            continue
        try:
            reason = misfit({name: default}, {**variables, "required": []})
        except ValueError as error:
            reason = f"{name}: {error}"
        if reason is not None:
            return f"the default of {reason}"
    return None


def blocks_of_defaults(template: Template) -> Iterator[Any]:
    """The ids of the block documents that defaults refer to, as they are written."""
    for schema in _properties(template.get("variables") or {}).values():
        default: Any = cast(Template, schema).get("default") if isinstance(schema, Mapping) else None
        if _is_reference(default):
            reference: Any = default["$ref"]
            yield cast(Template, reference).get("block_document_id") if isinstance(reference, Mapping) else reference


def _properties(variables: Template) -> Template:
    properties: Any = variables.get("properties")
    return cast(Template, properties) if isinstance(properties, Mapping) else {}


def _is_reference(value: Any) -> bool:
    return isinstance(value, Mapping) and "$ref" in value


def _placeholders(value: Any) -> Iterator[str]:
    match value:
        case str():
            for name in _PLACEHOLDER.findall(value):
                if not name.startswith(_ELSEWHERE):
                    yield name
        case Mapping():
            for item in cast(Template, value).values():
                yield from _placeholders(item)
        case list():
            for item in cast(list[Any], value):
                yield from _placeholders(item)
        case _:
            return
