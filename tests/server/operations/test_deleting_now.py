"""Deleting in one request, as Prefect's own routes do."""

import asyncio
from uuid import UUID, uuid4

import pytest

from headrace.server.operations import deleting, freezing
from headrace.server.operations.authors import Author
from headrace.server.operations.deleting import delete_now
from headrace.server.operations.worker import Operations
from headrace.settings import Settings
from headrace.wire.operations import OperationNoun
from tests.server.api import Api
from tests.server.operations.deeds import another_process, finish, in_batches, tick, undo

_RUNS = OperationNoun.FLOW_RUNS


async def test_what_is_deleted_at_once_can_be_undone(api: Api, database_settings: Settings) -> None:
    """It is over when the request is answered."""
    ids = [UUID(await api.flow_run({"type": "COMPLETED"})) for _ in range(2)]

    assert set(await delete_now(api.store, database_settings, _RUNS, [*ids, uuid4()], Author())) == set(ids)

    (told,) = (await api.get("/x/operations")).json
    assert (told["status"], told["total"], told["changed"], told["undoable"]) == ("completed", 2, 2, True)
    assert (await api.post("/flow_runs/count", {})).json == 0
    undone = (await api.post(f"/x/operations/{told['id']}/undo")).json
    assert (undone["status"], undone["changed"]) == ("completed", 2)
    assert (await api.post("/flow_runs/count", {})).json == 2


async def test_deleting_nothing_is_no_operation(api: Api, database_settings: Settings) -> None:
    """What is gone already is not told of again."""
    assert await delete_now(api.store, database_settings, _RUNS, [uuid4()], Author()) == []
    assert (await api.get("/x/operations")).json == []


async def _flow_of_many(api: Api, monkeypatch: pytest.MonkeyPatch) -> str:
    """A flow with more runs than one request deletes."""
    monkeypatch.setattr(deleting, "AT_ONCE", 2)
    monkeypatch.setattr(freezing, "PAGE", 2)
    flow = await api.flow()
    for _ in range(5):
        await api.flow_run({"type": "COMPLETED"}, flow_id=flow)
    return flow


async def test_more_than_one_transaction_takes_follows(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the same operation, which has everything as an item once."""
    flow = await _flow_of_many(api, monkeypatch)

    assert (await api.delete(f"/flows/{flow}")).status == 204

    (told,) = (await api.get("/x/operations")).json
    assert (told["status"], told["total"], told["changed"], told["skipped"]) == ("completed", 6, 6, 0)
    items = (await api.get(f"/x/operations/{told['id']}/items")).json
    assert (items[0]["noun"], len({item["id"] for item in items})) == ("flows", 6)
    assert (await api.post("/flow_runs/count", {})).json == 0
    undone = (await api.post(f"/x/operations/{told['id']}/undo")).json
    assert (undone["status"], undone["changed"]) == ("completed", 6)
    assert (await api.post("/flow_runs/count", {})).json == 5


@pytest.mark.parametrize("ticks", range(6))
async def test_what_follows_goes_on_in_another_process_and_is_undone_at_any_point(
    api: Api, database_settings: Settings, monkeypatch: pytest.MonkeyPatch, ticks: int
) -> None:
    """Before anything more is written down, too."""
    flow = await _flow_of_many(api, monkeypatch)
    monkeypatch.setattr(deleting, "_go_on", lambda *_: asyncio.sleep(0))
    await api.delete(f"/flows/{flow}")
    (told,) = (await api.get("/x/operations")).json
    assert (told["status"], told["done"]) == ("running", 1)
    worker = Operations(api.store, in_batches(database_settings, 2))
    for _ in range(ticks):
        await tick(worker)
    await worker.drain()
    undoing = await undo(api.store, UUID(told["id"]))

    async with another_process(database_settings) as store:
        undone = await finish(Operations(store, in_batches(database_settings, 2)), undoing.id, later=True)

    assert (undone.status, undone.failed) == ("completed", 0)
    assert (await api.get(f"/flows/{flow}")).status == 200
    assert (await api.post("/flow_runs/count", {})).json == len((await api.post("/flow_runs/filter", {})).json) == 5
