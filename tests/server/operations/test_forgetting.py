"""What is kept of operations that are over: for a while, and longer where needed, their items; then their record."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from headrace.server.operations import forgetting, service
from headrace.server.operations.forgetting import Forgotten
from headrace.server.operations.worker import Operations
from headrace.server.store.base import Connection, Dialect, Statement, Store
from headrace.settings import Settings
from headrace.settings.model import ServerOperationsSettings
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.operations.deeds import accept, finish, undo
from tests.server.purge.deleted import purge, strange

_MONTH, _YEAR = timedelta(days=31), timedelta(days=367)
_TERMS = ServerOperationsSettings()


async def _forget(store: Store, after: timedelta = _MONTH, *, rows: int = 1_000, **terms: float) -> Forgotten:
    """All that is not kept any more after so long, in batches of so many rows."""
    kept = ServerOperationsSettings(**terms) if terms else _TERMS
    items = operations = records = 0
    while (gone := await forgetting.forget(store, kept, now() + after, rows)) is not None:
        assert gone.items + gone.records <= rows
        items, operations, records = items + gone.items, operations + gone.operations, records + gone.records
        assert operations < 100, "it does not get on"
    return Forgotten(items=items, operations=operations, records=records)


async def _do(api: Api, kind: str, target: Any, **more: Any) -> Any:
    answer = await api.post("/x/operations", {"kind": kind, "target": target, **more})
    assert answer.status == 202, answer.json
    return answer.json


async def _undo(api: Api, id: str) -> Any:
    answer = await api.post(f"/x/operations/{id}/undo", {})
    assert answer.status == 202, answer.json
    return answer.json


async def _read(api: Api, id: str) -> Any:
    return (await api.get(f"/x/operations/{id}")).json


async def _items(store: Store) -> int:
    return (await store.fetch(Statement("SELECT count(*) FROM operation_items")))[0][0]


async def _runs(api: Api, number: int, state: str = "COMPLETED") -> list[str]:
    flow_id = await api.flow()
    return [await api.flow_run({"type": state}, flow_id=flow_id) for _ in range(number)]


async def test_after_a_month_the_items_go_and_what_failed_stays_readable(api: Api) -> None:
    """By error, with some of the items; only the list of all of them is gone, and says so."""
    ids = await _runs(api, 7)
    state = {"type": "CANCELLING"}
    done = await _do(api, "set_state", {"ids": [*ids, strange()]}, options={"state": state})
    assert (done["failed"], done["skipped"], done["forgotten"]) == (7, 1, None)
    failures = (await api.get(f"/x/operations/{done['id']}/failures")).json

    assert await _forget(api.store, timedelta(days=29)) == Forgotten()
    assert await _forget(api.store) == Forgotten(items=8, operations=1)

    kept = await _read(api, done["id"])
    assert kept["forgotten"] is not None
    assert {**kept, "forgotten": None} == done
    assert (await api.get(f"/x/operations/{done['id']}/failures")).json == failures
    assert (failures[0]["count"], len(failures[0]["samples"])) == (7, 5)
    for gone in (
        await api.get(f"/x/operations/{done['id']}/items"),
        await api.post(f"/x/operations/{done['id']}/retry_failed"),
    ):
        assert gone.status == 410
        assert "is not kept any more" in gone.json["detail"]
    assert await _items(api.store) == 0


async def test_what_can_be_restored_or_is_not_purged_keeps_its_items(api: Api) -> None:
    """However long that takes; with the purge they go."""
    ids = await _runs(api, 3)
    done = await _do(api, "delete", {"ids": ids})

    assert await _forget(api.store, _YEAR) == Forgotten()
    assert (await _read(api, done["id"]))["undoable"]
    await purge(api.store, now() + _MONTH)

    assert (await api.get(f"/x/operations/{done['id']}/items")).status == 410
    assert await _forget(api.store) == Forgotten(operations=1)


async def test_items_of_an_undone_delete_go_and_then_the_undo_cannot_be_undone(api: Api) -> None:
    """As it is not known any more what to delete."""
    ids = await _runs(api, 3)
    done = await _do(api, "delete", {"ids": [*ids, strange()]})
    undone = await _undo(api, done["id"])
    assert (undone["changed"], undone["undoable"]) == (3, True)

    assert (await _forget(api.store)).items == 4

    assert not (await _read(api, undone["id"]))["undoable"]
    assert (await api.post(f"/x/operations/{undone['id']}/undo", {})).status == 410
    assert (await api.get(f"/x/operations/{undone['id']}/items")).status == 410
    assert (await api.post("/flow_runs/count", {})).json == 3


async def test_items_stay_as_long_as_another_operation_needs_them(api: Api) -> None:
    """One that deletes anew what was given back has none of its own."""
    ids = await _runs(api, 3)
    done = await _do(api, "delete", {"ids": ids})
    anew = await _undo(api, (await _undo(api, done["id"]))["id"])
    assert (anew["kind"], anew["changed"]) == ("delete", 3)

    await _forget(api.store, _YEAR)
    assert (await _read(api, anew["id"]))["undoable"]
    assert await _items(api.store) == 3
    await purge(api.store, now() + _MONTH)

    assert await _items(api.store) == 0
    assert await _forget(api.store, _YEAR) == Forgotten(operations=2, records=3)
    assert (await api.get("/x/operations")).json == []


async def test_an_undo_that_begins_meanwhile_finds_the_items(
    api: Api, database_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not seen yet when the items are chosen; on SQLite there is one writer."""
    if api.store.dialect is Dialect.SQLITE:
        return
    done = await _do(api, "delete", {"ids": await _runs(api, 3)})
    undone = await _undo(api, done["id"])
    insert, look, chosen = service.insert, forgetting._is_forgettable, asyncio.Event()
    forgets: list[asyncio.Task[Forgotten | None]] = []

    async def look_again(transaction: Connection, id: UUID, before: datetime) -> bool:
        chosen.set()
        return await look(transaction, id, before)

    async def insert_later(*arguments: Any) -> bool:
        forgets.append(asyncio.create_task(forgetting.forget(api.store, _TERMS, now() + _MONTH, 1_000)))
        await chosen.wait()
        return await insert(*arguments)

    monkeypatch.setattr(forgetting, "_is_forgettable", look_again)
    monkeypatch.setattr(service, "insert", insert_later)
    begun = await undo(api.store, UUID(undone["id"]))

    assert await forgets[0] is None
    anew = await finish(Operations(api.store, database_settings), begun.id)
    assert (anew.kind, anew.changed) == ("delete", 3)
    assert (await _read(api, done["id"]))["forgotten"] is None


async def test_what_goes_on_is_let_alone(api: Api) -> None:
    """So is what it needs."""
    ids = await _runs(api, 3)
    await accept(api.store, target={"ids": ids})
    assert await _forget(api.store, _YEAR) == Forgotten()
    assert len((await api.get("/x/operations")).json) == 1


@pytest.mark.parametrize("rows", [1, 3, 4])
async def test_items_go_in_batches_whoever_dies_between_them(api: Api, rows: int) -> None:
    """From the first batch on nothing is done by what is left."""
    ids = await _runs(api, 7, "RUNNING")
    operations = [await _do(api, "cancel", {"ids": ids}) for _ in range(2)]
    first = await forgetting.forget(api.store, _TERMS, now() + _MONTH, rows)
    assert first is not None
    assert first.items == rows
    assert (await api.get(f"/x/operations/{operations[0]['id']}/items")).status == 410

    await _forget(api.store, rows=rows)

    assert await _items(api.store) == 0
    assert all([(await _read(api, done["id"]))["forgotten"] for done in operations])


async def test_records_go_after_a_year(api: Api) -> None:
    """Those of Prefect's own routes, above all: each request of these makes one."""
    variable = (await api.post("/variables/", {"name": "v", "value": 1})).json["id"]
    assert (await api.delete(f"/variables/{variable}")).status == 204
    run = (await _runs(api, 1))[0]
    cancelled = await _do(api, "cancel", {"ids": [run]})
    await purge(api.store, now() + _MONTH)

    assert await _forget(api.store) == Forgotten(items=1, operations=2)
    assert await _forget(api.store, timedelta(days=364)) == Forgotten()
    assert await _forget(api.store, _YEAR, rows=1) == Forgotten(records=2)
    assert (await api.get(f"/x/operations/{cancelled['id']}")).status == 404


async def test_the_record_of_who_deleted_a_flow_stays_as_long_as_the_flow_is_there(api: Api) -> None:
    """It waits for a run of it that can be restored for longer, and is found by its operation."""
    flow_id = await api.flow()
    run = await api.flow_run({"type": "COMPLETED"}, flow_id=flow_id)
    await _do(api, "delete", {"ids": [run]}, options={"purge_after": 3 * _YEAR.total_seconds()})
    deleted = await _do(api, "delete", {"ids": [flow_id]}, noun="flows")
    await purge(api.store, now() + _MONTH)

    await _forget(api.store, 2 * _YEAR)
    assert (await _read(api, deleted["id"]))["purged"] is not None
    await purge(api.store, now() + 4 * _YEAR)

    assert (await _forget(api.store, 6 * _YEAR)).records == 2
    flows = Statement("SELECT count(*) FROM flows WHERE id = $1")
    assert (await api.store.fetch(flows, UUID(flow_id)))[0][0] == 0


async def test_nought_is_for_ever(api: Api) -> None:
    """For the items, and for the records."""
    await _do(api, "cancel", {"ids": await _runs(api, 2, "RUNNING")})
    assert await _forget(api.store, _YEAR, keep_items_seconds=0, keep_seconds=0) == Forgotten()
    assert await _forget(api.store, _YEAR, keep_seconds=0) == Forgotten(items=2, operations=1)
