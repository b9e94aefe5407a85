"""Values that are handed to flow runs while they run: `/flow_runs/{id}/input` (contract §3)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from headrace.server.context import Context
from headrace.server.flow_runs import queries
from headrace.server.http.routing import Reply, Router
from headrace.server.store.base import Connection, Statement, Store
from headrace.server.store.hidden import shown
from headrace.server.store.rows import Kind, Reader
from headrace.wire.base import Wire
from headrace.wire.errors import Conflict, ObjectAlreadyExists, ObjectNotFound
from headrace.wire.flow_runs import FlowRunInput
from headrace.wire.ids import uuid7

router = Router(prefix="/flow_runs", tag="Flow Runs")

Key = Annotated[str, msgspec.Meta(min_length=1, pattern=r"^[a-z0-9-]*$(?!\n)")]


class NewInput(Wire, kw_only=True):
    """`value` is the JSON text that the receiver expects."""

    key: Key
    value: str
    sender: str | None = None


class InputFilter(Wire, kw_only=True):
    prefix: str
    limit: Annotated[int, msgspec.Meta(ge=0)] = 1
    exclude_keys: list[str] = []


_INPUTS = Reader(
    FlowRunInput,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "updated": Kind.TIME,
        "flow_run_id": Kind.UUID,
        "key": Kind.TEXT,
        "value": Kind.TEXT,
        "sender": Kind.TEXT,
    },
)
_RUN_IS_SHOWN = f"flow_runs.deleted_at IS NULL AND {shown('flow_runs.id')}"
_INSERT = Statement(
    f"""
    INSERT INTO flow_run_input (id, created, updated, flow_run_id, key, value, sender)
    SELECT $1, $2, $2, id, $4, $5, $6 FROM flow_runs WHERE id = $3 AND {_RUN_IS_SHOWN}
    """
)
_IS_SHOWN = f"EXISTS (SELECT 1 FROM flow_runs WHERE flow_runs.id = flow_run_input.flow_run_id AND {_RUN_IS_SHOWN})"
_READ = Statement(f"SELECT value FROM flow_run_input WHERE flow_run_id = $1 AND key = $2 AND {_IS_SHOWN}")
_DELETE = Statement(f"DELETE FROM flow_run_input WHERE flow_run_id = $1 AND key = $2 AND {_IS_SHOWN}")
_FILTER = Statement(
    f"""
    SELECT {_INPUTS.columns()} FROM flow_run_input
    WHERE flow_run_id = $1 AND substr(key, 1, length($2::text)) = $2 AND NOT (key = ANY($3::text[]))
    AND {_IS_SHOWN}
    ORDER BY created, id LIMIT $4
    """,
    sqlite=f"""
    SELECT {_INPUTS.columns()} FROM flow_run_input
    WHERE flow_run_id = $1 AND substr(key, 1, length($2)) = $2 AND key NOT IN (SELECT value FROM json_each($3))
    AND {_IS_SHOWN}
    ORDER BY created, id LIMIT $4
    """,
)


async def write(
    connection: Connection, flow_run_id: UUID, key: str, value: str, sender: str | None, moment: datetime
) -> None:
    """Keep a value under a key; for a run that has been deleted it is dropped, so that who sends it goes on.

    Raises `ObjectAlreadyExists` if the run has that key, `ObjectNotFound`.
    """
    try:
        written = await connection.execute(_INSERT, uuid7(), moment, flow_run_id, key, value, sender)
    except Conflict as error:
        raise ObjectAlreadyExists("A flow run input with this key already exists.") from error
    if not written and not await queries.was_deleted(connection, flow_run_id):
        raise ObjectNotFound("Flow run not found")


async def read(connection: Connection, flow_run_id: UUID, key: str) -> str | None:
    """The value under a key, or None."""
    row = await connection.fetch_one(_READ, flow_run_id, key)
    return None if row is None else row[0]


async def matching(
    store: Store, flow_run_id: UUID, prefix: str, exclude_keys: Sequence[str], limit: int
) -> list[FlowRunInput]:
    """The run's first inputs, oldest first, whose keys begin with the prefix and are not excluded."""
    rows = await store.fetch(_FILTER, flow_run_id, prefix, list(exclude_keys), limit)
    return _INPUTS.all(rows, store.dialect)


@router.post("/{id}/input", status=201)
async def create_flow_run_input(ctx: Context, id: UUID, body: NewInput) -> None:
    """Hand a value to a run."""
    await write(ctx.store, id, body.key, body.value, body.sender, ctx.received)


@router.post("/{id}/input/filter")
async def filter_flow_run_input(ctx: Context, id: UUID, body: InputFilter) -> list[FlowRunInput]:
    """The run's oldest inputs under a prefix."""
    limit = min(body.limit, ctx.settings.server.api.default_limit)
    return await matching(ctx.store, id, body.prefix, body.exclude_keys, limit)


@router.get("/{id}/input/{key}", media_type="text/plain")
async def read_flow_run_input(ctx: Context, id: UUID, key: str) -> Reply[str]:
    """The value under a key, as it was given."""
    value = await read(ctx.store, id, key)
    if value is None:
        raise ObjectNotFound("Flow run input not found")
    return Reply(value, media_type="text/plain; charset=utf-8")


@router.delete("/{id}/input/{key}")
async def delete_flow_run_input(ctx: Context, id: UUID, key: str) -> None:
    """Forget the value under a key."""
    if not await ctx.store.execute(_DELETE, id, key):
        raise ObjectNotFound("Flow run input not found")
