"""Things with all that can belong to them, deleted as operations delete them, and purged."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from headrace.server.purge import batches, orphans, queries
from headrace.server.purge.batches import Batch
from headrace.server.store.base import Statement, Store
from headrace.server.store.tallies import TOTAL
from headrace.wire.ids import uuid7
from tests.server.api import Api

DELETED = datetime(2031, 1, 1, tzinfo=UTC)
DUE = DELETED + timedelta(days=7)
LATER = DUE + timedelta(days=1)

_OPERATION = Statement(
    """
    INSERT INTO operations (id, created, kind, noun, status, started, finished, frozen, total, position, purge_at)
    VALUES ($1, $2, $3, $4, 'completed', $2, $2, $2, $5, $5, $6)
    """
)
_ITEM_COLUMNS = ("operation_id", "position", "noun", "id", "status", "error")
_MARK_TEXT = "UPDATE {} SET deleted_at = $1, deleted_by = $2 WHERE {} = $3 AND deleted_at IS NULL"
_CACHE = Statement(
    """
    INSERT INTO task_run_state_cache (id, created, cache_key, task_run_state_id)
    SELECT $1, $2, 'key', state_id FROM task_runs WHERE id = $3
    """
)
_QUEUE = Statement("INSERT INTO task_queue (task_run_id, task_key, available_at) VALUES ($1, 'key', $2)")
LOG = ("id", "created", "name", "level", "message", "timestamp", "flow_run_id", "task_run_id")
_EVERYWHERE = (
    *("flows", "flow_runs", "flow_run_states", "flow_run_input", "cancellations", "hidden_runs"),
    *("task_runs", "task_run_states", "task_run_state_cache", "task_queue", "logs"),
    *("artifacts", "artifact_collections", "deployments", "deployment_schedules", "concurrency_limits"),
    *("variables", "block_documents", "block_document_references"),
    *("automations", "automation_resources", "automation_buckets", "automation_child_firings"),
)
OF_RUNS = tuple(
    table for table in _EVERYWHERE if table.startswith(("flow_run", "task", "logs", "artifact", "cancell", "hidden"))
)


async def full_run(api: Api, flow_id: str, *, tasks: int = 1, lines: int = 2) -> str:
    """A finished flow run with some of everything that can belong to one."""
    run = await api.flow_run({"type": "RUNNING"}, flow_id=flow_id)
    assert (await api.post(f"/flow_runs/{run}/input", {"key": "k", "value": "1"})).status == 201
    await api.post("/artifacts/", {"key": f"key-{run}", "type": "table", "data": "1", "flow_run_id": run})
    for _ in range(tasks):
        await full_task_run(api, run)
    await write_lines(api.store, lines, run, None)
    await api.propose("flow_runs", run, "CANCELLING", force=True)
    await api.propose("flow_runs", run, "COMPLETED", force=True, data={"type": "literal", "value": 1})
    return run


async def full_task_run(api: Api, flow_run_id: str | None) -> str:
    """A finished task run with some of everything."""
    task = await api.task_run(flow_run_id, state={"type": "PENDING"})
    await api.propose("task_runs", task, "COMPLETED", force=True, data={"type": "literal", "value": 2})
    await api.post("/artifacts/", {"key": f"key-{task}", "type": "table", "data": "2", "task_run_id": task})
    await api.store.execute(_CACHE, uuid7(), DELETED, UUID(task))
    await api.store.execute(_QUEUE, UUID(task), DELETED)
    await write_lines(api.store, 1, flow_run_id, task)
    return task


async def write_lines(store: Store, number: int, flow_run_id: str | None, task_run_id: str | None) -> None:
    """So many log lines of a run."""
    runs = [None if id is None else UUID(id) for id in (flow_run_id, task_run_id)]
    rows = [(uuid7(), DELETED, "log", 20, f"line {index}", DELETED, *runs) for index in range(number)]
    await store.insert_many("logs", LOG, rows)


async def operation(
    store: Store,
    *items: tuple[str, str],
    kind: str = "delete",
    noun: str = "flow_runs",
    due: datetime = DUE,
) -> UUID:
    """An operation that is over, with these items (a noun and an id each)."""
    id = uuid7()
    await store.execute(_OPERATION, id, DELETED, kind, noun, len(items), due)
    rows = [(id, place, of, UUID(item), None, None) for place, (of, item) in enumerate(items, start=1)]
    await store.insert_many("operation_items", _ITEM_COLUMNS, rows)
    return id


async def delete_runs(store: Store, *ids: str, settled: bool = False, **more: Any) -> UUID:
    """Delete flow runs: hidden at once, or marked with their task runs as `settled` ones are."""
    deleted = await operation(store, *(("flow_runs", id) for id in ids), **more)
    for id in ids:
        if settled:
            await mark(store, deleted, "flow_runs", id)
            await mark(store, deleted, "task_runs", id, column="flow_run_id")
            await mark(store, deleted, "artifacts", id, column="flow_run_id")
        else:
            hide = Statement("INSERT INTO hidden_runs (id, operation_id) VALUES ($1, $2)")
            await store.execute(hide, UUID(id), deleted)
        tasks = await store.fetch(Statement("SELECT count(*) FROM task_runs WHERE flow_run_id = $1"), UUID(id))
        await count_out(store, flow_runs=1, task_runs=tasks[0][0])
    return deleted


async def delete_marked(store: Store, noun: str, *ids: str, **more: Any) -> UUID:
    """Delete things of one noun, marked at once."""
    deleted = await operation(store, *((noun, id) for id in ids), noun=noun, **more)
    for id in ids:
        if await mark(store, deleted, noun, id) and noun == "task_runs":
            await count_out(store, task_runs=1)
    return deleted


async def mark(store: Store, by: UUID, table: str, id: str, column: str = "id") -> int:
    """Mark rows as an operation does."""
    return await store.execute(Statement(_MARK_TEXT.format(table, column)), DELETED, by, UUID(id))


async def count_out(store: Store, **nouns: int) -> None:
    """Take so many rows out of the totals, as an operation does."""
    for noun, number in nouns.items():
        add = Statement("INSERT INTO tallies (noun, slot, total) VALUES ($1, -1, 0) ON CONFLICT DO NOTHING")
        await store.execute(add, noun)
        await store.execute(
            Statement("UPDATE tallies SET total = total - $2 WHERE noun = $1 AND slot = -1"), noun, number
        )


async def purge(store: Store, moment: datetime = LATER, *, rows: int = 1_000, items: int = 100) -> list[Batch]:
    """Remove all that is due, in batches of so many rows and items."""
    done: list[Batch] = []
    while (batch := await batches.remove(store, moment, rows, items)) is not None:
        assert batch.rows <= rows + 5 * items, batch
        done.append(batch)
        if batch.emptied:
            await queries.finish(store, batch.operation_id, moment, 0)
        assert len(done) < 1_000, "it does not get on"
    return done


async def rows_in(store: Store, tables: Sequence[str] = _EVERYWHERE) -> dict[str, int]:
    """How many rows there are, of the tables that have any."""
    counts = {table: (await store.fetch(Statement(f"SELECT count(*) FROM {table}")))[0][0] for table in tables}
    return {table: count for table, count in counts.items() if count}


async def dump(store: Store, tables: Sequence[str] = _EVERYWHERE) -> dict[str, list[tuple[Any, ...]]]:
    """All rows, in an order that does not depend on where they are kept."""
    found = {table: await store.fetch(Statement(f"SELECT * FROM {table}")) for table in tables}
    return {table: sorted((tuple(row) for row in rows), key=repr) for table, rows in found.items() if rows}


async def totals(store: Store) -> dict[str, int]:
    """What is kept as the totals of runs."""
    return {noun: int((await store.fetch(TOTAL, noun))[0][0]) for noun in ("flow_runs", "task_runs")}


async def check_nothing_dangles(store: Store) -> None:
    """No row refers to what is not there, and totals are those of what is shown."""
    assert await orphans.find(store, of_runs=True) == []
    for noun, total in (await totals(store)).items():
        run = "r.id" if noun == "flow_runs" else "r.flow_run_id"
        shown = Statement(
            f"SELECT count(*) FROM {noun} AS r WHERE deleted_at IS NULL"
            f" AND NOT EXISTS (SELECT 1 FROM hidden_runs AS h WHERE h.id = {run})"
        )
        assert (await store.fetch(shown))[0][0] == total, noun


async def record(store: Store, id: UUID) -> tuple[bool, int, int]:
    """Of an operation: whether it is purged, how many rows that removed, and how many items are kept."""
    row = await store.fetch_one(Statement("SELECT purged IS NOT NULL, purged_rows FROM operations WHERE id = $1"), id)
    assert row is not None
    items = await store.fetch(Statement("SELECT count(*) FROM operation_items WHERE operation_id = $1"), id)
    return bool(row[0]), row[1], items[0][0]


def strange() -> str:
    """The id of nothing."""
    return str(uuid4())
