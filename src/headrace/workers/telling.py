"""The events of workers (contract §6.4): started, stopped, a run submitted, a run executed."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from headrace.sdk.emitting import emit_event
from headrace.sdk.surroundings import named, tags_as_related_resources

if TYPE_CHECKING:
    from headrace.sdk.event_types import Event
    from headrace.sdk.execution.exits import Exit
    from headrace.wire.events import Resource
    from headrace.wire.flow_runs import FlowRun
    from headrace.workers.pools import Pool


class Teller:
    """Tells what one worker does."""

    def __init__(self, name: str, type: str, pool: Pool) -> None:
        self._pool = pool
        self._resource = {
            "prefect.resource.id": f"prefect.worker.{type}.{_slug(name)}",
            "prefect.resource.name": name,
            "prefect.version": version("headrace"),
            "prefect.worker-type": type,
        }
        self._started: Event | None = None

    def started(self) -> None:
        self._started = emit_event("prefect.worker.started", self._resource, related=[self._pool_resource()])

    def stopped(self) -> None:
        emit_event("prefect.worker.stopped", self._resource, related=[self._pool_resource()], **_after(self._started))

    def submitted(self, run: FlowRun) -> Event | None:
        """The event that the process of a run starts."""
        return emit_event("prefect.worker.submitted-flow-run", self._resource, related=self._around(run))

    def executed(self, run: FlowRun, exit: Exit, submitted: Event | None) -> None:
        """The process of a run has ended."""
        related = self._around(run)
        related[0]["prefect.infrastructure.status-code"] = str(exit.code)
        emit_event("prefect.worker.executed-flow-run", self._resource, related=related, **_after(submitted))

    def _around(self, run: FlowRun) -> list[Resource]:
        found = [named("flow-run", run.id, run.name), named("flow", run.flow_id)]
        if run.deployment_id is not None:
            found.append(named("deployment", run.deployment_id))
        if run.work_queue_id is not None:
            found.append(named("work-queue", run.work_queue_id, run.work_queue_name))
        return [*found, self._pool_resource(), *tags_as_related_resources(run.tags)]

    def _pool_resource(self) -> Resource:
        return named("work-pool", self._pool.known.id, self._pool.name)


def _after(leader: Event | None) -> dict[str, Any]:
    return {} if leader is None else {"follows": leader}


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
