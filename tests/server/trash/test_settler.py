"""What is hidden for long is marked: nothing is seen of that, and it can be restored all the same."""

from datetime import timedelta
from uuid import UUID

import msgspec

from headrace.server.store.base import Statement
from headrace.server.trash.settler import Settler
from headrace.settings import Settings
from headrace.wire.ids import uuid7
from headrace.wire.operations import OperationNoun
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.trash.changes import remove, restore
from tests.server.trash.dumps import HIDDEN, counted, dump, number, totals

RUNS = OperationNoun.FLOW_RUNS
MARKED = Statement("SELECT count(*) FROM flow_runs WHERE deleted_at IS NOT NULL AND deleted_by IS NOT NULL")


async def runs(api: Api, many: int) -> list[UUID]:
    """Finished runs, each with a task run and an artifact of its own key."""
    made: list[UUID] = []
    for number_ in range(many):
        run = await api.flow_run({"type": "COMPLETED"})
        task = await api.task_run(run, state={"type": "COMPLETED"})
        await api.post("/artifacts/", {"key": f"k-{number_}", "data": 1, "flow_run_id": run})
        await api.post("/artifacts/", {"data": 1, "task_run_id": task})
        made.append(UUID(run))
    return made


async def settle(settler: Settler, seconds: float) -> None:
    while await settler.tick_at(now() + timedelta(seconds=seconds)):
        pass


async def test_what_is_hidden_for_long_is_marked_and_comes_back_as_it_was(
    api: Api, database_settings: Settings
) -> None:
    ids, operation_id = await runs(api, 3), uuid7()
    before, settler = await dump(api.store), Settler(api.store, database_settings)
    await remove(api.store, RUNS, ids, operation_id)
    await settle(settler, 50)
    assert await number(api.store, HIDDEN) == 3

    await settle(settler, 70)
    assert (await number(api.store, HIDDEN), await number(api.store, MARKED)) == (0, 3)
    assert await counted(api.store) == await totals(api.store) == {"flow_runs": 0, "task_runs": 0}
    assert (await api.post("/artifacts/filter", {})).json == []
    assert (await restore(api.store, RUNS, ids, operation_id)).counts == {
        "flow_runs": 3,
        "task_runs": 3,
        "artifacts": 6,
    }
    assert await dump(api.store) == before


async def test_no_more_than_so_many_are_hidden(api: Api, database_settings: Settings) -> None:
    trash = msgspec.structs.replace(database_settings.server.trash, most_hidden=2)
    server = msgspec.structs.replace(database_settings.server, trash=trash)
    settler = Settler(api.store, msgspec.structs.replace(database_settings, server=server))
    first, second = await runs(api, 2), await runs(api, 2)
    for ids in (first, second):
        await remove(api.store, RUNS, ids, uuid7())
    await settle(settler, 0)
    assert (await number(api.store, HIDDEN), await number(api.store, MARKED)) == (2, 2)
    marked = await api.store.fetch(Statement("SELECT id FROM flow_runs WHERE deleted_at IS NOT NULL"))
    assert {UUID(str(row[0])) for row in marked} == set(first)
