"""Whether job variables fit what a work pool's job template declares (contract §3, §11.1)."""

from collections.abc import Mapping
from typing import Any

from headrace.rules.json_schema import misfit

Template = Mapping[str, Any]


def variables_schema(template: Template, *, ignore_required: bool) -> dict[str, Any]:
    """The schema of a template's variables; a variable that has a default is never required."""
    schema = dict(template.get("variables") or {})
    if ignore_required:
        schema.pop("required", None)
        return schema
    properties: Mapping[str, Any] = schema.get("properties") or {}
    required: list[str] = schema.get("required") or []
    schema["required"] = [name for name in required if "default" not in (properties.get(name) or {})]
    return schema


def unfit(given: Mapping[str, Any], template: Template, *, ignore_required: bool = False) -> str | None:
    """Why the job variables do not fit, or None if they do. A template without variables takes anything."""
    return misfit(dict(given), variables_schema(template, ignore_required=ignore_required))
