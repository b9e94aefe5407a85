"""The process behind `serve`: it makes deployments and executes their runs, each in a process of its own."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Unpack
from uuid import UUID

from headrace.client.connection import connect
from headrace.sdk.execution.claims import Claims
from headrace.sdk.execution.executions import Execution, Shared
from headrace.sdk.execution.health import answering
from headrace.sdk.execution.jobs import Job, own_job
from headrace.sdk.execution.loops import Loops, tell_line
from headrace.sdk.execution.patience import patiently
from headrace.sdk.execution.places import at_server
from headrace.sdk.execution.under_way import UnderWay
from headrace.sdk.logs import configure
from headrace.settings import current
from headrace.wire.deployments import DeploymentUpdate
from headrace.wire.errors import HeadraceError
from headrace.wire.flow_runs import FlowRun

if TYPE_CHECKING:
    from headrace.sdk.flow import Flow
    from headrace.sdk.runner_deployment import DeploymentOptions, RunnerDeployment

_log = logging.getLogger("headrace.runner")
_TO_PAUSE = 5.0
"""Seconds for which the pause of the deployments is tried: nobody waits longer for a process to stop."""


class Runner:
    """Executes the runs of its deployments, at most `limit` at once, until it is asked to stop.

    With `pause_on_shutdown` its deployments are paused when it stops, so that no runs pile up that nobody executes.

    >>> runner = Runner(limit=3)
    >>> runner.add_flow(my_flow, "nightly", cron="0 3 * * *")
    >>> asyncio.run(runner.start())
    """

    def __init__(
        self,
        name: str | None = None,
        query_seconds: float | None = None,
        limit: int | None = None,
        pause_on_shutdown: bool = True,
        webserver: bool = False,
    ) -> None:
        self.name = name or f"runner {socket.gethostname()}-{os.getpid()}"
        self.query_seconds, self.limit = query_seconds, limit
        self.pause_on_shutdown, self.webserver = pause_on_shutdown, webserver
        self._to_apply: list[RunnerDeployment] = []
        self.deployment_ids: list[UUID] = []
        self._loops: Loops | None = None

    def add_deployment(self, deployment: RunnerDeployment) -> None:
        """Serve a deployment; it is made or changed when the runner starts."""
        self._to_apply.append(deployment)

    def add_flow(self, flow: Flow[..., Any], name: str | None = None, **options: Unpack[DeploymentOptions]) -> None:
        """Serve a flow as a deployment of that name, of the flow's own without one."""
        self.add_deployment(flow.to_deployment(name or flow.name, **options))

    async def start(self, run_once: bool = False, started: Callable[[str], object] | None = None) -> None:
        """Execute what is due until a signal or `stop` says so; with `run_once`, only what is due now.

        `started` is called with the API's URL once the deployments are there. Raises `ServerNeeded`.
        """
        configure()
        with at_server() as settings:
            for deployment in self._to_apply:
                self.deployment_ids.append(await deployment.aapply())
            self._to_apply.clear()
            if started is not None:
                started(settings.api.url or "")
            loops = self._loops = self._new_loops()
            try:
                async with answering(loops.poller, self.webserver):
                    await (loops.once() if run_once else loops.work(stopping=self._pause))
            finally:
                self._loops = None

    def stop(self) -> None:
        """Begin nothing more, and end once the runs under way have; called again, end those too."""
        if self._loops is not None:
            self._loops.stop()

    async def execute_flow_run(self, flow_run_id: UUID) -> None:
        """Execute one run in a process of its own, once it is due, and wait for its end. Raises `ObjectNotFound`."""
        configure()
        with at_server():
            run = await connect().asynchronous.read_flow_run(flow_run_id)
            loops = self._new_loops([run])
            await loops.once()

    def _new_loops(self, only: Sequence[FlowRun] | None = None) -> Loops:
        settings, client = current().runner, connect().asynchronous
        claims = Claims(client, self.name)

        async def fetch(before: datetime, most: int) -> Sequence[FlowRun]:
            if only is not None:
                return only
            return await client.get_scheduled_flow_runs_for_deployments(self.deployment_ids, before, most)

        shared = Shared(claims, _prepare, tell_line, settings.grace_seconds)
        under_way = UnderWay(
            lambda run: Execution(run, shared), self.limit if self.limit is not None else settings.process_limit
        )
        every = self.query_seconds or settings.poll_frequency

        def ours() -> set[str]:
            return {f"prefect.deployment.{id}" for id in self.deployment_ids}

        return Loops(client, under_way, fetch, every, drains=settings.on_shutdown == "drain", ours=ours)

    async def _pause(self) -> None:
        """Let the deployments make no more runs, as far as the API can be told."""
        if not self.pause_on_shutdown:
            return
        client = connect().asynchronous
        for id in self.deployment_ids:
            try:
                await patiently(lambda id=id: client.update_deployment(id, DeploymentUpdate(paused=True)), _TO_PAUSE)
            except HeadraceError as error:
                _log.warning("The deployment %s could not be paused: %s", id, error)


async def _prepare(run: FlowRun) -> Job:
    return own_job(run)
