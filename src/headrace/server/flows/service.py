"""What can be done with flows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.events import log
from headrace.server.events.facts import Change
from headrace.server.flows import events, queries
from headrace.server.store.base import Connection, Row, Store, Topic
from headrace.wire.base import encode_text
from headrace.wire.errors import ObjectNotFound
from headrace.wire.filters import Filter
from headrace.wire.flows import Flow, FlowCreate, FlowUpdate
from headrace.wire.ids import uuid7
from headrace.wire.sorts import FlowSort

Given = Mapping[str, Filter | None]


async def ensure(store: Store, wanted: FlowCreate, now: datetime) -> tuple[Flow, bool]:
    """The flow of that name, and whether it was made for this call; an existing one is left as it is."""
    found = await find(store, wanted.name)
    while found is None:
        made = await _make(store, wanted, now)
        if made is not None:
            return made, True
        # Somebody else has made it in between; it may even be deleted again before it is read here.
        found = await find(store, wanted.name)
    return found, False


async def find(connection: Connection, name: str) -> Flow | None:
    """The flow of that name, if there is one."""
    row = await connection.fetch_one(queries.BY_NAME, name)
    return None if row is None else queries.FLOWS.one(row, connection.dialect)


async def read(connection: Connection, flow_id: UUID) -> Flow:
    """The flow, or raise `ObjectNotFound`."""
    row = await connection.fetch_one(queries.BY_ID, flow_id)
    if row is None:
        raise ObjectNotFound("Flow not found")
    return queries.FLOWS.one(row, connection.dialect)


async def read_by_name(connection: Connection, name: str) -> Flow:
    """The flow of that name, or raise `ObjectNotFound`."""
    found = await find(connection, name)
    if found is None:
        raise ObjectNotFound("Flow not found")
    return found


async def list_flows(store: Store, filters: Given, sort: FlowSort, limit: int, offset: int) -> list[Flow]:
    """The flows that match, from `offset` on."""
    if limit == 0:
        return []
    statement, values = queries.LIST.bind(store.dialect, filters, sort, limit=limit, offset=offset)
    return queries.FLOWS.all(await store.scan(statement, *values), store.dialect)


async def count(store: Store, filters: Given) -> int:
    """How many flows match."""
    statement, values = queries.COUNT.bind(store.dialect, filters)
    rows = await store.scan(statement, *values)
    return rows[0][0]


async def update(store: Store, flow_id: UUID, change: FlowUpdate, now: datetime) -> None:
    """Set what is given; raise `ObjectNotFound` if there is no such flow."""
    async with store.transaction() as transaction:
        if change.tags is msgspec.UNSET:
            row = await transaction.fetch_one(queries.TOUCH, flow_id, now)
        else:
            row = await transaction.fetch_one(queries.SET_TAGS, flow_id, now, encode_text(change.tags))
        if row is None:
            raise ObjectNotFound("Flow not found")
        await _tell(transaction, Change.UPDATED, row, now)


async def deleting(transaction: Connection, ids: Sequence[UUID], now: datetime) -> None:
    """Tell of flows, which are still there, that they are deleted."""
    for row in await transaction.fetch(queries.BY_IDS, list(ids)):
        await _tell(transaction, Change.DELETED, row, now)


async def _make(store: Store, wanted: FlowCreate, now: datetime) -> Flow | None:
    labels = None if wanted.labels is None else encode_text(wanted.labels)
    async with store.transaction() as transaction:
        row = await transaction.fetch_one(queries.INSERT, uuid7(), now, wanted.name, encode_text(wanted.tags), labels)
        return None if row is None else await _tell(transaction, Change.CREATED, row, now)


async def _tell(transaction: Connection, change: Change, row: Row, now: datetime) -> Flow:
    """Put into the log what became of the flow of a row."""
    flow = queries.FLOWS.one(row, transaction.dialect)
    await log.append(transaction, [events.flow_changed(change, flow, now)], now)
    transaction.announce(Topic.NAMES)
    return flow
