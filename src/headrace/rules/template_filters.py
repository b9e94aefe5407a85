"""The filters that templates have beside Jinja's own: links into the UI, and values as people say them.

Loaded with jinja2, when there is a first template.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from jinja2 import pass_context
from jinja2.runtime import Context

from headrace.rules import humanizing
from headrace.rules.template_views import EventView, ResourceView
from headrace.wire.automations import Automation
from headrace.wire.deployments import Deployment
from headrace.wire.events import RESOURCE_ID
from headrace.wire.flow_runs import FlowRun
from headrace.wire.flows import Flow
from headrace.wire.task_runs import TaskRun
from headrace.wire.work_pools import WorkPool
from headrace.wire.work_queues import WorkQueue

UI_BASE, NOW = "ui_base", "now"
"""What a context has to hold for links and for times relative to now."""

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_FLOW_RUN = re.compile(rf"flow-runs?[./-]({_UUID})")


@pass_context
def ui_url(context: Context, subject: Any) -> str | None:
    """Where the UI shows an object or an event; None if it has no page for such a thing."""
    path = _page_of(subject)
    return None if path is None else _base(context) + path


@pass_context
def ui_resource_events_url(context: Context, subject: Any) -> str | None:
    """Where the UI shows the events about a resource or an automation."""
    match subject:
        case ResourceView():
            resource_id = subject.get(RESOURCE_ID, "")
        case Automation():
            resource_id = f"prefect.automation.{subject.id}"
        case FlowRun():
            resource_id = f"prefect.flow-run.{subject.id}"
        case Deployment():
            resource_id = f"prefect.deployment.{subject.id}"
        case _:
            return None
    return f"{_base(context)}events?resource={quote(resource_id, safe='.:')}"


def flow_run_id(text: Any) -> str | None:
    """The id of the flow run that a resource's id or a link names."""
    found = _FLOW_RUN.search(str(text))
    return found[1] if found else None


def _page_of(subject: Any) -> str | None:
    match subject:
        case EventView():
            return f"events/event/{subject.occurred:%Y-%m-%d}/{subject.id}"
        case Automation():
            return f"automations/automation/{subject.id}"
        case FlowRun():
            return f"runs/flow-run/{subject.id}"
        case TaskRun():
            return f"runs/task-run/{subject.id}"
        case Flow():
            return f"flows/flow/{subject.id}"
        case Deployment():
            return f"deployments/deployment/{subject.id}"
        case WorkQueue():
            return f"work-queues/work-queue/{subject.id}"
        case WorkPool():
            return f"work-pools/work-pool/{quote(subject.name)}"
        case _:
            return None


def _base(context: Context) -> str:
    base: str = context.get(UI_BASE) or ""
    return f"{base.rstrip('/')}/" if base else ""


def _relative(say: Callable[[Any, datetime], str]) -> Callable[[Context, Any], str]:
    @pass_context
    def said(context: Context, moment: Any) -> str:
        return say(moment, context.get(NOW) or datetime.now(UTC))

    return said


FILTERS: dict[str, Callable[..., Any]] = {
    "ui_url": ui_url,
    "ui_resource_events_url": ui_resource_events_url,
    "flow_run_id": flow_run_id,
    "humanize_intcomma": humanizing.intcomma,
    "humanize_intword": humanizing.intword,
    "humanize_ordinal": humanizing.ordinal,
    "humanize_naturalsize": humanizing.naturalsize,
    "humanize_naturaldelta": humanizing.naturaldelta,
    "humanize_precisedelta": humanizing.precisedelta,
    "humanize_naturaltime": _relative(humanizing.naturaltime),
    "humanize_naturalday": _relative(humanizing.naturalday),
    "humanize_naturaldate": _relative(humanizing.naturaldate),
}
