"""What the templates of an action may speak of: what fired, and the objects that its event is about (contract §8).

Objects are read when a template names them, so that most templates cost no read at all.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from uuid import UUID

import msgspec

from headrace.rules import templates
from headrace.rules.action_targets import involved
from headrace.rules.template_views import EventView, FiringView
from headrace.server.automations.actions.work import ActionFailed, Work
from headrace.server.concurrency import service as concurrency
from headrace.server.deployments import service as deployments
from headrace.server.flow_runs import reading as flow_runs
from headrace.server.flows import service as flows
from headrace.server.task_runs import reading as task_runs
from headrace.server.variables import service as variables
from headrace.server.work_pools import service as work_pools
from headrace.server.work_queues import service as work_queues
from headrace.wire.errors import ObjectNotFound
from headrace.wire.events import RESOURCE_ID, ReceivedEvent
from headrace.wire.filters import WorkPoolFilter, WorkPoolFilterId
from headrace.wire.flow_runs import FlowRun
from headrace.wire.states import State, StateType

Context = dict[str, Any]
Find = Callable[[Work, UUID], Awaitable[Any]]


async def context_for(work: Work, used: Iterable[str]) -> Context:
    """The context in which these templates are rendered."""
    asked = [templates.uses(template) for template in used]
    names = frozenset[str]().union(*(each.names for each in asked))
    firing, event = work.job.cause.firing, work.job.event
    context: Context = {
        "automation": work.automation,
        "event": None if event is None else EventView(event),
        "firing": FiringView(firing),
        "firings": [FiringView(each) for each in firing.all_firings()],
        "events": [EventView(each) for each in firing.all_events()],
        "ui_base": work.settings.server.ui_url,
        "now": work.now,
    }
    for name, find in _FINDERS.items():
        if name in names:
            found = await _found(work, name.replace("_", "-"), find)
            if found is not None:
                context[name] = found
    spelled_out = frozenset[str]().union(*(each.variables for each in asked))
    context["variables"] = await variables.values(work.store, spelled_out)
    return context


async def rendered(work: Work, *sources: str) -> list[str]:
    """What the templates make of this action. Raises `ActionFailed` that says why one cannot be rendered."""
    context = await context_for(work, sources)
    return [render(source, context) for source in sources]


def render(source: str, context: Context) -> str:
    """What one template makes of a context. Raises `ActionFailed`."""
    try:
        return templates.render(source, context)
    except templates.TemplateError as error:
        told = {"template_error": str(error), "template_source": source}
        raise ActionFailed(f"Template rendering failed: {error}", told) from error


async def _found(work: Work, noun: str, find: Find) -> Any:
    """The first object of a kind that the event is about, or None."""
    id = involved(noun, work.job.event, work.job.cause.firing.triggering_labels)
    if id is None:
        return None
    try:
        return await find(work, id)
    except ObjectNotFound:
        return None


async def _flow_run(work: Work, id: UUID) -> FlowRun | None:
    """The run, in the state that the event tells of if it is about the run itself."""
    run = await flow_runs.read(work.store, id, work.now)
    if run is not None and work.job.event is not None:
        run.state = _told_state(work.job.event, id) or run.state
    return run


def _told_state(event: ReceivedEvent, id: UUID) -> State | None:
    labels = event.resource
    if labels.get(RESOURCE_ID) != f"prefect.flow-run.{id}" or "prefect.state-name" not in labels:
        return None
    try:
        return State(
            type=StateType(labels["prefect.state-type"]),
            name=labels["prefect.state-name"],
            message=labels.get("prefect.state-message") or None,
            timestamp=msgspec.convert(labels["prefect.state-timestamp"], type=type(event.occurred)),
        )
    except (KeyError, ValueError, msgspec.ValidationError):
        # Anyone may send events with such labels; what they say is shown only where it is a state.
        return None


async def _task_run(work: Work, id: UUID) -> Any:
    return await task_runs.read(work.store, id, work.now)


async def _flow(work: Work, id: UUID) -> Any:
    return await flows.read(work.store, id)


async def _deployment(work: Work, id: UUID) -> Any:
    return await deployments.read(work.store, id, work.now)


async def _work_queue(work: Work, id: UUID) -> Any:
    return await work_queues.find(work.store, id)


async def _work_pool(work: Work, id: UUID) -> Any:
    found = await work_pools.list_pools(work.store, WorkPoolFilter(id=WorkPoolFilterId(any_=[id])), 1, 0)
    return found[0] if found else None


async def _concurrency_limit(work: Work, id: UUID) -> Any:
    return (await concurrency.limits_by_id(work.store, [id], work.now)).get(id)


_FINDERS: dict[str, Find] = {
    "flow_run": _flow_run,
    "task_run": _task_run,
    "flow": _flow,
    "deployment": _deployment,
    "work_queue": _work_queue,
    "work_pool": _work_pool,
    "concurrency_limit": _concurrency_limit,
}
