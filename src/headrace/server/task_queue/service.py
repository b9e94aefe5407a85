"""What can be done with the queue: offering runs, taking the next one, and saying what became of it.

Whoever takes a run has it for a while, under a delivery with an id of its own. It ends when the run begins, when it
is given back, or when its time is up; then others may have the run.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import msgspec

from headrace.server.store.base import Connection, Store, Topic
from headrace.server.store.rows import Kind, Reader
from headrace.server.task_queue import queries
from headrace.server.task_runs import reading
from headrace.wire.background_tasks import TaskQueueLine
from headrace.wire.states import StateType
from headrace.wire.task_runs import TaskRun
from headrace.wire.times import now

RETRIES, NEW = 0, 1
"""Places in the queue: what was begun or handed out before comes first."""


class Line(msgspec.Struct, frozen=True):
    """The runs of one task in one place, and when the first of them is available."""

    task_key: str
    place: int
    first: datetime | None


class Delivery(msgspec.Struct, frozen=True):
    """A run that was taken."""

    id: UUID
    run: TaskRun


_LINES = Reader(Line, {"task_key": Kind.TEXT, "place": Kind.INTEGER, "first": Kind.TIME})


async def offer(transaction: Connection, task_run_id: UUID, task_key: str, place: int, due: datetime) -> None:
    """Have a run delivered from `due` on; one that is in the queue already is there anew."""
    await transaction.execute(queries.OFFER, task_run_id, task_key, place, due)
    transaction.announce(Topic.TASKS)


async def withdraw(transaction: Connection, task_run_ids: Collection[UUID]) -> None:
    """Take runs out of the queue that do not wait any more."""
    await transaction.execute(queries.WITHDRAW, list(task_run_ids))


async def offer_again(transaction: Connection, task_run_ids: Collection[UUID]) -> None:
    """Put those of these runs in the queue that wait for a worker, as their states say."""
    rows = await transaction.fetch(queries.SCHEDULED, list(task_run_ids)) if task_run_ids else ()
    for id in _TAKEN.all(rows, transaction.dialect):
        run = await reading.read(transaction, id, now())
        if run is not None and run.state is not None and run.state.state_details.deferred:
            due = run.state.state_details.scheduled_time or run.state.timestamp
            await offer(transaction, id, run.task_key, RETRIES if run.state.name == "AwaitingRetry" else NEW, due)


async def lines(connection: Connection, task_keys: Sequence[str]) -> list[Line]:
    """When the first runs of some tasks are available; retries and new ones each in a line of their own."""
    return _LINES.all(await connection.fetch(queries.FIRST_TIMES, list(task_keys)), connection.dialect)


async def take(store: Store, line: Line, now: datetime, hold: timedelta) -> Delivery | None:
    """The next run of a line; nobody else is given it for a while. None if there is none."""
    id = uuid4()
    async with store.transaction() as transaction:
        while True:
            values = (line.task_key, line.place, now, id, now + hold)
            row = await transaction.fetch_one(queries.TAKE, *values)
            if row is None:
                return None
            task_run_id = _TAKEN.one(row, transaction.dialect)
            run = await reading.read(transaction, task_run_id, now)
            if run is not None and run.state_type is StateType.SCHEDULED:
                return Delivery(id, run)
            await withdraw(transaction, [task_run_id])


async def hold(connection: Connection, deliveries: Collection[Delivery], until: datetime) -> None:
    """Let those who have these runs keep them for longer, where they are not begun."""
    await connection.execute(queries.HOLD, *_ids(deliveries), until)


async def give_back(store: Store, deliveries: Collection[Delivery], now: datetime) -> None:
    """Offer runs to others before anything else, unless they are begun or others have them already."""
    if await store.execute(queries.GIVE_BACK, *_ids(deliveries), now):
        store.announce(Topic.TASKS)


async def begin(transaction: Connection, task_run_id: UUID, delivery_id: UUID) -> bool:
    """End a delivery because its run begins; False if it has ended before."""
    return await transaction.execute(queries.BEGIN, task_run_id, delivery_id) > 0


async def list_lines(store: Store, now: datetime) -> list[TaskQueueLine]:
    """What is queued of each task."""
    return queries.LINES.all(await store.scan(queries.LIST, now), store.dialect)


def _ids(deliveries: Collection[Delivery]) -> tuple[list[UUID], list[UUID]]:
    return [one.run.id for one in deliveries], [one.id for one in deliveries]


def _taken(*, task_run_id: UUID) -> UUID:
    return task_run_id


_TAKEN = Reader(_taken, {"task_run_id": Kind.UUID})
