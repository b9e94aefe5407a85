"""Whether job variables fit what a work pool's job template declares (contract §3, §11.1)."""

from collections.abc import Mapping
from typing import Any

from headrace.rules.json_schema import failure

Template = Mapping[str, Any]


def unfit(given: Mapping[str, Any], template: Template, *, ignore_required: bool = False) -> str | None:
    """Why the job variables do not fit, or None if they do. A template without variables takes anything."""
    return failure(dict(given), _schema(template, ignore_required))


def _schema(template: Template, ignore_required: bool) -> dict[str, Any]:
    """The schema of a template's variables: one that has a default is not required, one that is not may be null."""
    schema: dict[str, Any] = dict(template.get("variables") or {})
    properties: Mapping[str, Any] = schema.get("properties") or {}
    named: list[str] = [] if ignore_required else schema.get("required") or []
    required = [name for name in named if "default" not in (properties.get(name) or {})]
    nullable = {
        name: each if name in required else {"anyOf": [each, {"type": "null"}]} for name, each in properties.items()
    }
    return schema | {"properties": nullable, "required": required}
