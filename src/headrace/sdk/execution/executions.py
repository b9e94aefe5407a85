"""One flow run from the moment it is claimed until its process has ended and the API knows how."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from headrace.sdk.emitting import emit_event
from headrace.sdk.execution import groups, processes
from headrace.sdk.execution.child import RUN_ID
from headrace.sdk.execution.claims import Claims
from headrace.sdk.execution.exits import Exit
from headrace.sdk.execution.jobs import Job, environment_of
from headrace.sdk.logs import flow_run_logger
from headrace.sdk.surroundings import named, tags_as_related_resources
from headrace.wire.errors import HeadraceError
from headrace.wire.flow_runs import FlowRun

if TYPE_CHECKING:
    from headrace.sdk.execution.processes import RunProcess

_log = logging.getLogger("headrace.runner")

_TO_DIE = 10.0
"""Seconds in which a killed process is gone, unless the kernel itself holds it."""

Prepare = Callable[[FlowRun], Awaitable[Job]]
"""Says what to start for a run; what it raises ends the run, with that reason."""
Tell = Callable[[FlowRun, str], None]


def _unheard(*_: object) -> None:
    """For who does not care."""


class Shared(msgspec.Struct, frozen=True):
    """What executions of one runner or worker share.

    `grace` is how many seconds a process has to end; `begun` and `ended` are called when it has started and ended.
    """

    claims: Claims
    prepare: Prepare
    tell: Tell
    grace: float
    begun: Callable[[FlowRun], None] = _unheard
    ended: Callable[[FlowRun, Exit], None] = _unheard


class Execution:
    """A run under way. `run` is as it was when it was fetched."""

    def __init__(self, run: FlowRun, shared: Shared) -> None:
        self.run = run
        self._shared, self._claims = shared, shared.claims
        self._process: RunProcess | None = None
        self._ending: asyncio.Task[None] | None = None
        self._to_end = False
        self._hurried = asyncio.Event()
        self._logger = flow_run_logger(run)

    async def run_to_end(self) -> bool:
        """Claim the run, execute it, and tell how it ended; whether it could be claimed.

        Does not raise for what the run or the API does.
        """
        try:
            if not await self._claims.claim(self.run):
                _log.debug("The flow run %r is not ours to execute.", self.run.name)
                return False
            await self._execute()
        except HeadraceError as error:
            _log.warning("The end of the flow run %r could not be recorded: %s", self.run.name, error)
        except Exception:
            _log.exception("The flow run %r could not be looked after.", self.run.name)
        return True

    def end(self, *, ask: bool = True) -> None:
        """End the process of a run that is to be cancelled: ask it, and kill it if it does not end in time.

        Without `ask` the run is over already, and its process has the same time to finish what it is about.
        """
        self._to_end = True
        if self._process is not None and self._ending is None:
            self._ending = asyncio.create_task(self._end(self._process, ask))
        elif self._process is not None and ask:
            self._process.terminate()

    def hurry(self) -> None:
        """Kill the process now, if it is being ended."""
        self._hurried.set()

    async def cancel(self, why: str) -> None:
        """Cancel the run and end its process."""
        with contextlib.suppress(HeadraceError):
            await self._claims.cancelling(self.run, why)
        self.end()

    async def _execute(self) -> None:
        try:
            job = await self._shared.prepare(self.run)
        except Exception as error:
            self._logger.exception("The flow run cannot be started.")
            await self._claims.crashed(self.run, f"The flow run cannot be started: {error}")
            return
        claim = await self._claims.submit(self.run)
        if claim is None or self._to_end:
            await self._never_started()
            return
        with tempfile.TemporaryDirectory(prefix="headrace-", ignore_cleanup_errors=True) as temporary:
            folder = Path(temporary) if job.temporary else job.folder
            try:
                environment = environment_of(job, self.run, str(claim))
                process = await processes.start(job.command, environment, folder, self._line_teller(job))
            except OSError as error:
                self._logger.error("The process could not be started: %s", error)
                await self._claims.crashed(self.run, f"The process of the flow run could not be started: {error}")
                return
            self._shared.begun(self.run)
            await self._watch(process)

    async def _watch(self, process: RunProcess) -> None:
        self._process = process
        if self._to_end:
            self.end()
        pid = f"{self._claims.host}:{process.pid}"
        told = asyncio.create_task(self._claims.started(self.run, pid))
        exit = await process.wait()
        if self._ending is not None:
            await self._ending
        self._shared.ended(self.run, exit)
        with contextlib.suppress(HeadraceError):
            await told
        await self._settle(process, exit, pid)

    async def _settle(self, process: RunProcess, exit: Exit, pid: str) -> None:
        """Make the run's state agree with its process's end."""
        run = await self._claims.read(self.run)
        if run is None or run.state is None or run.infrastructure_pid not in (None, pid):
            return
        state = run.state
        if not exit.is_clean and self._ending is None:
            await self._kill_rest(process)
        if state.is_cancelling():
            await self._claims.cancelled(run, "The flow run was cancelled, and its process has ended.")
        elif state.is_scheduled() and run.empirical_policy.retry_type == "in_process":
            self._logger.warning("The process of the flow run %s; another one starts it again.", exit)
            await self._claims.start_anew(run)
        elif state.is_running() or state.is_pending():
            why = f"The process of the flow run {exit}."
            if process.rest:
                self._logger.error("%s It wrote last:\n%s", why, "\n".join(process.rest))
            else:
                self._logger.error("%s", why)
            await self._claims.crashed(run, why)

    async def _never_started(self) -> None:
        run = await self._claims.read(self.run)
        if run is not None and run.state is not None and run.state.is_cancelling():
            await self._claims.cancelled(run, "The flow run was cancelled before its process started.")

    async def _end(self, process: RunProcess, ask: bool) -> None:
        telling = None
        if ask:
            process.terminate()
            telling = asyncio.create_task(self._claims.told(self.run))
        waits = [asyncio.ensure_future(process.ended()), asyncio.ensure_future(self._hurried.wait())]
        await asyncio.wait(waits, timeout=self._shared.grace, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        gone = await self._kill_rest(process)
        if telling is not None:
            await telling
            await self._claims.killed(self.run, gone)
            _tell_cancelled(self.run, self._claims.name)

    async def _kill_rest(self, process: RunProcess) -> bool:
        """Kill whatever the run started and left behind; whether all of it is gone."""
        return await groups.kill_until_gone(process.pid, RUN_ID, str(self.run.id), _TO_DIE)

    def _line_teller(self, job: Job) -> Callable[[str], None]:
        return (lambda line: self._shared.tell(self.run, line)) if job.stream_output else lambda line: None


def _tell_cancelled(run: FlowRun, by: str) -> None:
    """The event that the process of a run was ended because the run was cancelled (contract §6.4)."""
    resource = {"prefect.resource.id": f"prefect.runner.{by.replace(' ', '.')}", "prefect.resource.name": by}
    related = [named("flow-run", run.id, run.name), named("flow", run.flow_id)]
    if run.deployment_id is not None:
        related.append(named("deployment", run.deployment_id))
    emit_event("prefect.runner.cancelled-flow-run", resource, related=[*related, *tags_as_related_resources(run.tags)])
