"""All the runs that one process executes at a time: no more than its limit, each seen to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from headrace.sdk.execution.executions import Execution

if TYPE_CHECKING:
    from headrace.wire.flow_runs import FlowRun

MakeExecution = Callable[["FlowRun"], Execution]


class UnderWay:
    """The executions under way. `freed` is set whenever one that was executed ends."""

    def __init__(self, make: MakeExecution, limit: int | None) -> None:
        self._make, self._limit = make, limit
        self._under_way: dict[UUID, tuple[Execution, asyncio.Task[bool]]] = {}
        self.freed = asyncio.Event()

    @property
    def room(self) -> int | None:
        """How many more runs may start now; None without a limit."""
        return None if self._limit is None else max(0, self._limit - len(self._under_way))

    @property
    def ids(self) -> list[UUID]:
        """The runs under way."""
        return list(self._under_way)

    def begin(self, runs: Iterable[FlowRun]) -> int:
        """Execute runs, as many as there is room for; how many were begun. One that is under way is passed over."""
        begun = 0
        for run in runs:
            if self.room == 0:
                break
            if run.id not in self._under_way:
                execution = self._make(run)
                task = asyncio.create_task(execution.run_to_end(), name=f"flow run {run.name}")
                self._under_way[run.id] = execution, task
                task.add_done_callback(lambda done, id=run.id: self._ended(id, done))
                begun += 1
        return begun

    def end(self, run_id: UUID, *, ask: bool = True) -> None:
        """End the process of a run, if it is one of ours (see `Execution.end`)."""
        if (known := self._under_way.get(run_id)) is not None:
            known[0].end(ask=ask)

    async def cancel_all(self, why: str) -> None:
        """Cancel every run under way, and end its process."""
        await asyncio.gather(*(execution.cancel(why) for execution, _ in list(self._under_way.values())))

    async def empty(self) -> None:
        """Wait until the last of the runs has ended."""
        while self._under_way:
            await asyncio.wait([task for _, task in self._under_way.values()])

    def hurry(self) -> None:
        """Kill what has not ended yet of the runs that are being ended."""
        for execution, _ in self._under_way.values():
            execution.hurry()

    def _ended(self, run_id: UUID, execution: asyncio.Task[bool]) -> None:
        self._under_way.pop(run_id, None)
        if not execution.cancelled() and execution.exception() is None and execution.result():
            # A run that could not be claimed is left for the next look: it may be there again at once.
            self.freed.set()
