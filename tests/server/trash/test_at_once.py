"""Several who delete, restore and write at the same time: each thing happens once, and the totals are right."""

import asyncio
from uuid import UUID

from headrace.wire.ids import uuid7
from headrace.wire.operations import OperationNoun
from tests.server.api import Api
from tests.server.events.reported import lifecycle
from tests.server.trash.changes import remove, restore
from tests.server.trash.dumps import HIDDEN, counted, number, totals

RUNS = OperationNoun.FLOW_RUNS


async def test_many_who_delete_the_same_runs_have_one_effect(api: Api) -> None:
    flow = await api.flow()
    states = ("COMPLETED", "RUNNING", "FAILED")
    ids = [UUID(await api.flow_run({"type": states[number % 3]}, flow_id=flow)) for number in range(60)]
    for id in ids[::7]:
        await api.task_run(str(id), state={"type": "RUNNING"})
    operations = [uuid7() for _ in range(12)]
    done = await asyncio.gather(*(remove(api.store, RUNS, ids, operation) for operation in operations))
    assert sorted(id for one in done for id in one.removed) == sorted(ids)
    assert await counted(api.store) == await totals(api.store) == {"flow_runs": 0, "task_runs": 0}

    back = await asyncio.gather(*(restore(api.store, RUNS, ids, None) for _ in range(6)))
    assert sorted(id for one in back for id in one.restored) == sorted(ids)
    assert await counted(api.store) == await totals(api.store) == {"flow_runs": 60, "task_runs": 9}


async def test_task_runs_that_are_recorded_while_their_run_is_deleted_are_counted_once(api: Api) -> None:
    for turn in range(8):
        run = await api.flow_run({"type": "COMPLETED" if turn % 2 else "RUNNING"})
        operation_id = uuid7()

        async def record(run: str = run, turn: int = turn) -> None:
            for batch in range(4):
                await api.post("/events", lifecycle(1000 * turn + 100 * batch + 1, uuid7(), run))

        await asyncio.gather(record(), record(turn=turn + 100), remove(api.store, RUNS, [UUID(run)], operation_id))
        assert await counted(api.store) == await totals(api.store)
        await restore(api.store, RUNS, [UUID(run)], operation_id)
        assert await number(api.store, HIDDEN) == 0
        assert await counted(api.store) == await totals(api.store)
