"""What a runner tells the API about a run that it executes: mine, started, ended, cancelled (contract §11).

Every proposal carries one transition id for all its repetitions. That is how a runner whose answer was lost finds out
that it has the run after all, and how two runners that see the same run find out which of them has it.
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import msgspec

from headrace.sdk.execution.patience import patiently
from headrace.sdk.states import Cancelled, Cancelling, Crashed, Pending, Submitting
from headrace.wire.cancellations import CancellationStep
from headrace.wire.errors import HeadraceError, ObjectNotFound
from headrace.wire.flow_runs import FlowRun
from headrace.wire.states import State

if TYPE_CHECKING:
    from headrace.client.orchestration import HeadraceClient

_TO_CLAIM = 60.0
"""Seconds for which a claim is tried: later the run may be somebody else's again."""
_TO_TELL = 600.0
"""Seconds for which the end of a run is told to an API that is away; after that, its deadline ends the run."""

_TO_NOTE = 5.0


class Claims:
    """The words between one runner and the API. `name` is how the runner is called, in messages and timelines."""

    def __init__(self, client: HeadraceClient, name: str) -> None:
        self._client, self.name = client, name
        self.host = socket.gethostname()

    async def claim(self, run: FlowRun) -> bool:
        """Make a run that is due one's own; False if it is somebody else's, or may not start now."""
        return await self._enter(run, Pending()) is not None

    async def submit(self, run: FlowRun) -> UUID | None:
        """Say that the process of a claimed run starts; the transition that proves it, None if it must not start."""
        return await self._enter(run, Submitting())

    async def started(self, run: FlowRun, pid: str) -> None:
        """Say where the process of a run is."""
        await patiently(lambda: self._client.update_flow_run(run.id, infrastructure_pid=pid), _TO_TELL)

    async def read(self, run: FlowRun) -> FlowRun | None:
        """The run as it is now, None if it was deleted."""
        try:
            return await patiently(lambda: self._client.read_flow_run(run.id), _TO_TELL)
        except ObjectNotFound:
            return None

    async def told(self, run: FlowRun) -> None:
        """Note that the process of a run that is being cancelled was asked to end."""
        await self._note(run, CancellationStep(step="told", by=self.name))

    async def killed(self, run: FlowRun, gone: bool) -> None:
        """Note that the processes of a cancelled run have ended, and whether it is certain that none is left."""
        await self._note(
            run, CancellationStep(step="killed", by=self.name, infrastructure="gone" if gone else "unknown")
        )

    async def _note(self, run: FlowRun, step: CancellationStep) -> None:
        """What others like to know, and nothing depends on: Prefect's server, for one, has no place for it."""
        with contextlib.suppress(HeadraceError):
            await patiently(lambda: self._client.note_cancellation_step(run.id, step), _TO_NOTE)

    async def crashed(self, run: FlowRun, why: str) -> State | None:
        """Say that a run was ended by something outside of it; the state that it is in after that."""
        return await self._end(run, Crashed(message=why), force=False)

    async def start_anew(self, run: FlowRun) -> None:
        """Let a run that waited for its next attempt in a process that is gone be started by whoever executes runs."""
        policy = msgspec.structs.replace(run.empirical_policy, retry_type="reschedule")
        await patiently(lambda: self._client.update_flow_run(run.id, empirical_policy=policy), _TO_TELL)

    async def cancelling(self, run: FlowRun, why: str) -> State | None:
        """Ask for a run to be cancelled."""
        return await self._end(run, Cancelling(message=why), force=False)

    async def cancelled(self, run: FlowRun, why: str) -> State | None:
        """Say that the process of a cancelled run is gone."""
        return await self._end(run, Cancelled(message=why), force=True)

    async def _enter(self, run: FlowRun, state: State) -> UUID | None:
        transition = state.state_details.transition_id = uuid4()
        try:
            answer = await patiently(lambda: self._client.set_flow_run_state(run.id, state), _TO_CLAIM)
        except ObjectNotFound:
            return None
        entered = answer.state
        mine = entered is not None and entered.is_pending() and entered.state_details.transition_id == transition
        return transition if mine else None

    async def _end(self, run: FlowRun, state: State, *, force: bool) -> State | None:
        state.state_details.transition_id = uuid4()
        try:
            answer = await patiently(lambda: self._client.set_flow_run_state(run.id, state, force), _TO_TELL)
        except ObjectNotFound:
            return None
        return answer.state
