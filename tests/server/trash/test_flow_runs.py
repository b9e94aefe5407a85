"""Deleting flow runs hides them with all that is theirs, and restoring gives back exactly what was."""

from uuid import UUID

import pytest

from headrace.wire.ids import uuid7
from headrace.wire.operations import OperationNoun
from tests.server.api import Api
from tests.server.trash.changes import remove, restore
from tests.server.trash.dumps import HIDDEN, counted, dump, number, totals

RUNS = OperationNoun.FLOW_RUNS


async def a_run(api: Api, state: str) -> UUID:
    """A run in a state, with a task run that goes on, a log line and two versions of an artifact."""
    run = await api.flow_run({"type": state})
    task = await api.task_run(run, state={"type": "RUNNING"})
    line = {"name": "prefect", "level": 20, "message": "m", "timestamp": "2026-01-02T03:04:05Z"}
    await api.post("/logs/", [{**line, "flow_run_id": run, "task_run_id": task}])
    for text in ("first", "second"):
        await api.post("/artifacts/", {"key": "table", "data": text, "flow_run_id": run, "task_run_id": task})
    return UUID(run)


@pytest.mark.parametrize("state", ["COMPLETED", "RUNNING"])
async def test_a_run_comes_back_as_it_was(api: Api, state: str) -> None:
    ids = [await a_run(api, state) for _ in range(3)]
    operation_id, before = uuid7(), await dump(api.store)

    removed = await remove(api.store, RUNS, ids, operation_id)
    assert set(removed.removed) == set(ids)
    assert removed.counts == {"flow_runs": 3, "task_runs": 3, "artifacts": 6}
    assert await number(api.store, HIDDEN) == (3 if state == "COMPLETED" else 0)
    assert await counted(api.store) == await totals(api.store) == {"flow_runs": 0, "task_runs": 0}

    restored = await restore(api.store, RUNS, ids, operation_id)
    assert set(restored.restored) == set(ids)
    assert restored.counts == removed.counts
    assert await dump(api.store) == before


async def test_a_run_is_deleted_and_restored_once(api: Api) -> None:
    ids = [await a_run(api, "COMPLETED"), await a_run(api, "RUNNING")]
    first, second = uuid7(), uuid7()
    await remove(api.store, RUNS, ids, first)
    again = await remove(api.store, RUNS, [*ids, uuid7()], second)
    assert (again.removed, len(again.gone), again.counts) == ([], 3, {})

    once_more = await remove(api.store, RUNS, [*ids, await a_run(api, "COMPLETED")], first)
    assert len(once_more.removed) == 1, "what it has hidden already is not deleted twice"
    assert await counted(api.store) == await totals(api.store) == {"flow_runs": 0, "task_runs": 0}
    await restore(api.store, RUNS, once_more.removed, first)

    of_another = await restore(api.store, RUNS, ids, second)
    assert (of_another.restored, set(of_another.gone)) == ([], set(ids))
    assert set((await restore(api.store, RUNS, ids, None)).restored) == set(ids)
    assert (await restore(api.store, RUNS, ids, first)).restored == []
    assert await counted(api.store) == await totals(api.store) == {"flow_runs": 3, "task_runs": 3}
