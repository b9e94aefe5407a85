"""What all workers have in common: their pool, signs of life, polling, job configurations, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from headrace.client.connection import connect
from headrace.rules.job_configuration import configuration
from headrace.sdk.execution.claims import Claims
from headrace.sdk.execution.executions import Execution, Shared
from headrace.sdk.execution.health import answering
from headrace.sdk.execution.loops import Loops, tell_line
from headrace.sdk.execution.places import at_server
from headrace.sdk.execution.under_way import UnderWay
from headrace.sdk.logs import configure
from headrace.sdk.references import resolve
from headrace.sdk.session import PATIENCE_AT_EXIT, session
from headrace.settings import current
from headrace.wire.deploying_errors import DeploymentError
from headrace.wire.errors import HeadraceError, ObjectNotFound
from headrace.workers.pools import Pool
from headrace.workers.telling import Teller

if TYPE_CHECKING:
    from headrace.sdk.execution.exits import Exit
    from headrace.sdk.execution.jobs import Job
    from headrace.wire.deployments import Deployment
    from headrace.wire.flow_runs import FlowRun

_log = logging.getLogger("headrace.worker")


class ConfigurationError(DeploymentError):
    """The job configuration of a run cannot be carried out on this machine."""


class BaseWorker(ABC):
    """Polls a work pool and executes its runs. A subclass names its type and says how a run becomes a job.

    The pool is made if there is none. With `work_queues` only runs of these queues are taken, at most `limit` at once.
    `prefetch_seconds` before its time a run is claimed and its job started.
    """

    type: ClassVar[str]
    description: ClassVar[str] = ""
    default_template: ClassVar[Mapping[str, Any]]
    _types: ClassVar[dict[str, type[BaseWorker]]] = {}

    def __init__(
        self,
        work_pool_name: str,
        work_queues: Iterable[str] = (),
        name: str | None = None,
        prefetch_seconds: float | None = None,
        limit: int | None = None,
        create_pool_if_not_found: bool = True,
    ) -> None:
        self.name = name or f"{self.type.capitalize()}Worker {socket.gethostname()}-{os.getpid()}"
        self.limit, self.prefetch_seconds = limit, prefetch_seconds
        self._pool = Pool(work_pool_name, list(work_queues), self.type, self.default_template, create_pool_if_not_found)
        self._loops: Loops | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Keep each type of worker to be found by its name."""
        super().__init_subclass__(**kwargs)
        if kind := cls.__dict__.get("type"):
            BaseWorker._types[kind] = cls

    @classmethod
    def types(cls) -> Mapping[str, type[BaseWorker]]:
        """The workers that are known here, by type."""
        return cls._types

    @abstractmethod
    async def job(self, run: FlowRun, configuration: Mapping[str, Any]) -> Job:
        """What to start for a run whose job configuration is this. What it raises ends the run, with that reason."""

    async def start(self, run_once: bool = False, with_healthcheck: bool = False) -> None:
        """Execute what is due until a signal or `stop` says so; with `run_once`, only what is due now.

        With a health check, whether it can fetch runs is answered over HTTP (see `sdk.execution.health`). Raises
        `ServerNeeded`, and `DeploymentError` if the pool is for another type of worker.
        """
        configure()
        with at_server():
            await self._pool.sync(self.name, patient=True)
            teller = Teller(self.name, self.type, self._pool)
            teller.started()
            loops = self._loops = self._new_loops(teller)
            try:
                async with answering(loops.poller, with_healthcheck):
                    await (loops.once() if run_once else loops.work(self._keep_in_touch(), stopping=_nothing))
            finally:
                self._loops = None
                teller.stopped()
                await asyncio.to_thread(session().flush, PATIENCE_AT_EXIT)

    def stop(self) -> None:
        """Begin nothing more, and end once the runs under way have; called again, end those too."""
        if self._loops is not None:
            self._loops.stop()

    def _new_loops(self, teller: Teller) -> Loops:
        settings, client = current(), connect().asynchronous
        claims = Claims(client, f"worker {self.name}")
        started: dict[str, Any] = {}

        async def fetch(before: datetime, most: int) -> Sequence[FlowRun]:
            found = await client.get_scheduled_flow_runs_for_work_pool(
                self._pool.name, self._pool.queues or None, scheduled_before=before, limit=most
            )
            return [each.flow_run for each in found]

        def begun(run: FlowRun) -> None:
            started[str(run.id)] = teller.submitted(run)

        def ended(run: FlowRun, exit: Exit) -> None:
            teller.executed(run, exit, started.pop(str(run.id), None))

        shared = Shared(claims, self._prepare, tell_line, settings.runner.grace_seconds, begun, ended)
        under_way = UnderWay(lambda run: Execution(run, shared), self.limit)
        every, drains = settings.worker.query_seconds, settings.runner.on_shutdown == "drain"
        loops = Loops(
            client, under_way, fetch, every, drains=drains, ours=lambda: {f"prefect.work-pool.{self._pool.known.id}"}
        )
        if self.prefetch_seconds is not None:
            loops.poller.begin_early(self.prefetch_seconds)
        return loops

    async def _prepare(self, run: FlowRun) -> Job:
        """The job of a run: the pool's template, filled in with the variables of the deployment and of the run."""
        client = connect().asynchronous
        await client.update_flow_run_labels(run.id, self._pool.labels(self.name, self.type))
        deployment = await _deployment(run)
        variables = deployment.job_variables if deployment is not None else None
        template = configuration(self._pool.template, variables, run.job_variables)
        return await self.job(run, await asyncio.to_thread(resolve, template))

    async def _keep_in_touch(self) -> None:
        """Give signs of life, and learn of changes of the pool; for ever."""
        away = False
        while True:
            await asyncio.sleep(current().worker.heartbeat_seconds)
            try:
                await self._pool.sync(self.name)
            except HeadraceError as error:
                if not away:
                    _log.warning("The worker's heartbeat does not get through: %s", error)
                away = True
            else:
                away = False


async def _deployment(run: FlowRun) -> Deployment | None:
    if run.deployment_id is None:
        return None
    try:
        return await connect().asynchronous.read_deployment(run.deployment_id)
    except ObjectNotFound:
        raise DeploymentError(f"The deployment of the flow run {run.name!r} was deleted.") from None


async def _nothing() -> None:
    """A worker's pool goes on without it."""
