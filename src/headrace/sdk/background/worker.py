"""The process that executes background tasks: it asks for as many as it has room for, and gives signs of life."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import platform
import threading
from collections.abc import Coroutine
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

import msgspec

from headrace.client.streams import Conversation, stream
from headrace.sdk.background.executions import Execution
from headrace.sdk.session import session
from headrace.sdk.task import Task
from headrace.wire.background_tasks import TaskDelivery, TaskWorkerHello, TaskWorkerKnown, TaskWorkerReady
from headrace.wire.chance import CHANCE
from headrace.wire.errors import DefinitionError, HeadraceError, ServiceUnavailable
from headrace.wire.times import now

UNLIMITED = 1_000
"""Runs at once in a process that sets no limit: more threads than that do not come to an end any sooner."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0
_log = logging.getLogger("headrace.task_worker")
_read = msgspec.json.Decoder(TaskWorkerKnown | TaskDelivery).decode


class TaskWorker:
    """Executes the background runs of some tasks, up to `limit` at once, each in a thread of its own.

    >>> await TaskWorker(resize, notify, limit=4).start()
    """

    def __init__(self, *tasks: Task[..., Any], limit: int | None = 10) -> None:
        self.tasks = _by_key(tasks)
        if limit is not None and limit < 1:
            raise DefinitionError(f"The limit of a task worker is {limit}: give 1 or more, or None for no limit.")
        self.limit = limit
        self.started_at: datetime | None = None
        self.client_id = f"{platform.node()}-{os.getpid()}"
        self._room = UNLIMITED if limit is None else limit
        self._session = session()
        self._lease = self._session.settings.tasks.worker_lease_seconds
        self._executions: dict[UUID, Execution] = {}
        self._stopping = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._conversation: Conversation | None = None
        self._pause = _SHORTEST_PAUSE
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> bool:
        """Whether the server knows of it now."""
        return self._conversation is not None

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    @property
    def in_flight(self) -> list[str]:
        """The names of the runs that are being executed."""
        return [execution.task_run.name for execution in self._executions.values()]

    async def start(self) -> None:
        """Execute runs until `stop`, through restarts of the server; then let those under way come to their end."""
        self.started_at = now()
        self._loop = asyncio.get_running_loop()
        signs = asyncio.create_task(self._give_signs())
        try:
            await self._unless_stopped(self._listen())
            if self._executions:
                _log.info("Stopping: %d runs come to their end first.", len(self._executions))
            await self._empty.wait()
        finally:
            await _end(signs)

    def stop(self) -> None:
        """Take no more runs; `start` returns when those under way are over. For the thread of its event loop."""
        self._stopping.set()

    def abandon(self, why: str) -> None:
        """Crash what is under way, and let `start` return without waiting for it. As `stop`."""
        self._stopping.set()
        for execution in self._executions.values():
            execution.abandon(why)
        self._empty.set()

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        doing, stopping = asyncio.create_task(work), asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((doing, stopping), return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                doing.result()
        finally:
            await _end(doing)
            await _end(stopping)

    async def _listen(self) -> None:
        """Hold a connection to the server, and make it again whenever it breaks. Raises what will not mend itself."""
        while True:
            try:
                await self._converse()
            except ServiceUnavailable as error:
                level = logging.WARNING if self._pause == _SHORTEST_PAUSE else logging.DEBUG
                _log.log(level, "No runs come from the server now; it is asked again and again: %s", error)
            await asyncio.sleep(self._pause * CHANCE.uniform(0.75, 1.25))
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    async def _converse(self) -> None:
        async with stream("/x/task_runs/deliveries", self._session.settings) as conversation:
            await conversation.send(TaskWorkerHello(task_keys=list(self.tasks), worker=self.client_id))
            try:
                async for frame in conversation:
                    await self._heed(conversation, frame)
            finally:
                self._conversation = None

    async def _heed(self, conversation: Conversation, frame: str | bytes) -> None:
        said: TaskWorkerKnown | TaskDelivery = _read(frame)
        match said:
            case TaskWorkerKnown():
                self._pause = _SHORTEST_PAUSE
                self._conversation = conversation
                names = ", ".join(task.name for task in self.tasks.values())
                _log.info("Waiting for runs of %s, %s at once.", names, self.limit or "any number")
                if self._room:
                    await conversation.send(TaskWorkerReady(room=self._room))
            case TaskDelivery(delivery_id=delivery_id, task_run=run) as delivery:
                self._room -= 1
                execution = Execution(self.tasks[run.task_key], delivery, self._session, self._note_end)
                self._executions[delivery_id] = execution
                self._empty.clear()
                name = f"headrace-{run.name}"
                threading.Thread(target=execution.run_to_end, args=(self._lease,), name=name, daemon=True).start()
            case _:
                assert_never(said)

    def _note_end(self, execution: Execution) -> None:
        """A run is over, or was not for this worker. Called from its thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended, because nobody waited for the run any more
            self._loop.call_soon_threadsafe(self._make_room, execution)

    def _make_room(self, execution: Execution) -> None:
        del self._executions[execution.delivery_id]
        self._room += 1
        if not self._executions:
            self._empty.set()
        if self._conversation is not None and not self._stopping.is_set():
            telling = self._loop.create_task(_tell_room(self._conversation))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)

    async def _give_signs(self) -> None:
        """Renew the leases of all runs under way, three times before they would end."""
        while True:
            await asyncio.sleep(self._lease / 3)
            held = {execution.id: execution for execution in self._executions.values() if execution.engine is not None}
            if not held:
                continue
            leases = {id: execution.delivery_id for id, execution in held.items()}
            try:
                ended = await asyncio.to_thread(self._session.client.renew_task_leases, leases, self._lease)
            except HeadraceError as error:
                _log.warning("No sign of life could be given for %d runs; it is tried again: %s", len(held), error)
                continue
            for id in ended:
                held[id].lose()


def _by_key(tasks: tuple[Task[..., Any], ...]) -> dict[str, Task[..., Any]]:
    if not tasks:
        raise DefinitionError("A task worker needs at least one task, as in serve(my_task).")
    for task in tasks:
        if not isinstance(task, Task):  # pyright: ignore[reportUnnecessaryIsInstance] # what users give may be anything
            raise DefinitionError(f"{task!r} is no task: decorate a function with @task to serve it.")
    return {task.task_key: task for task in tasks}


async def _tell_room(conversation: Conversation) -> None:
    with contextlib.suppress(ServiceUnavailable):  # the next connection begins with how much room there is
        await conversation.send(TaskWorkerReady())


async def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
