"""Operations go on batch by batch, whoever dies; each item is dealt with once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from headrace.server.operations import ending, freezing
from headrace.server.operations.records import Record
from headrace.server.operations.worker import Operations
from headrace.server.store.base import Connection, Store
from headrace.server.trash import plain
from headrace.server.trash import service as trash
from headrace.server.trash.outcomes import Removed
from headrace.settings import Settings
from headrace.wire.errors import Conflict, Gone
from headrace.wire.operations import Operation, OperationNoun
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.operations.deeds import accept, another_process, finish, in_batches, read, tick, undo

_RUNS = 7


@pytest.fixture
def settings(database_settings: Settings) -> Settings:
    """With batches of two."""
    return in_batches(database_settings, 2)


@pytest.fixture
async def worker(store: Store, settings: Settings) -> AsyncIterator[Operations]:
    worker = Operations(store, settings)
    yield worker
    await worker.drain()


@pytest.fixture
async def runs(api: Api) -> list[str]:
    """Finished runs, and one beside them that is not meant."""
    flow_id = await api.flow()
    await api.flow_run({"type": "COMPLETED"}, flow_id=flow_id)
    return [await api.flow_run({"type": "COMPLETED"}, flow_id=flow_id, tags=["old"]) for _ in range(_RUNS)]


_OLD: Any = {"filters": {"flow_runs": {"tags": {"all_": ["old"]}}}}


async def _count(api: Api) -> int:
    """The kept total, and what a list shows, which agree."""
    total = (await api.post("/flow_runs/count", {})).json
    assert len((await api.post("/flow_runs/filter", {})).json) == total
    return total


@pytest.mark.parametrize("boundary", range(7))
@pytest.mark.usefixtures("runs")
async def test_another_process_carries_on_from_every_batch(
    api: Api, worker: Operations, settings: Settings, boundary: int
) -> None:
    """Nothing is lost, and nothing done twice; undoing it goes on in the same way."""
    operation = await accept(api.store, target=_OLD)
    for _ in range(boundary):
        await tick(worker)

    async with another_process(settings) as store:
        done = await finish(Operations(store, settings), operation.id, later=True)

    assert (done.status, done.total, done.changed, done.skipped, done.failed) == ("completed", _RUNS, _RUNS, 0, 0)
    assert await _count(api) == 1
    undoing = await undo(api.store, operation.id)
    for _ in range(boundary):
        await tick(worker)
    async with another_process(settings) as store:
        undone = await finish(Operations(store, settings), undoing.id, later=True)
    assert (undone.status, undone.total, undone.changed) == ("completed", _RUNS, _RUNS)
    assert await _count(api) == 1 + _RUNS


async def test_a_claim_is_let_alone_until_it_runs_out(
    store: Store, worker: Operations, settings: Settings, runs: list[str]
) -> None:
    """Two processes do not do the same work."""
    operation = await accept(store, target={"ids": runs})
    await freezing.settle(store)
    await tick(worker)
    async with another_process(settings) as other:
        await tick(Operations(other, settings))
    await tick(worker)
    assert (await read(store, operation.id)).done == 2


async def test_what_is_made_later_is_untouched_and_what_changes_later_is_not(
    api: Api, worker: Operations, runs: list[str]
) -> None:
    """The set is what it was when the operation was accepted."""
    operation = await accept(api.store, target=_OLD)
    await api.patch(f"/flow_runs/{runs[0]}", {"tags": ["new"]})
    late = await api.flow_run({"type": "COMPLETED"}, tags=["old"])

    done = await finish(worker, operation.id)

    assert done.total == _RUNS
    assert (await api.get(f"/flow_runs/{runs[0]}")).status == 404
    assert (await api.get(f"/flow_runs/{late}")).status == 200


@pytest.mark.usefixtures("runs")
async def test_freezing_begins_anew_after_a_crash(api: Api, worker: Operations, settings: Settings) -> None:
    """With what was there when the operation was accepted."""
    operation = await accept(api.store, target=_OLD)
    await freezing.stop(api.store)
    late = await api.flow_run({"type": "COMPLETED"}, tags=["old"])

    async with another_process(settings) as store:
        done = await finish(Operations(store, settings), operation.id, later=True)

    assert (done.total, done.changed) == (_RUNS, _RUNS)
    assert (await api.get(f"/flow_runs/{late}")).status == 200


async def test_an_operation_is_stopped_between_batches_and_what_was_done_is_undone(
    api: Api, worker: Operations, runs: list[str]
) -> None:
    """And no more than that."""
    operation = await accept(api.store, target={"ids": runs})
    await freezing.settle(api.store)
    await tick(worker)
    await tick(worker)
    assert (await api.post(f"/x/operations/{operation.id}/abort")).status == 200

    stopped = await finish(worker, operation.id)

    assert (stopped.status, stopped.done, stopped.undoable) == ("aborted", 2, True)
    assert await _count(api) == 1 + _RUNS - 2
    undone = await finish(worker, (await undo(api.store, operation.id)).id)
    assert (undone.total, undone.changed) == (2, 2)
    assert await _count(api) == 1 + _RUNS


async def test_what_was_stopped_is_not_gone_on_with_by_trying_again_what_failed(
    api: Api, worker: Operations, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody stopped it for the sake of all that it had not come to yet."""

    async def refuse(*_: object) -> None:
        raise Conflict("This is not to be had.")

    operation = await accept(api.store, target={"ids": runs})
    monkeypatch.setattr(trash, "remove", refuse)
    monkeypatch.setattr(plain, "remove", refuse)
    await freezing.settle(api.store)
    await tick(worker)
    await tick(worker)
    await api.post(f"/x/operations/{operation.id}/abort")
    assert (await finish(worker, operation.id)).failed == 2
    monkeypatch.undo()

    again = await api.post(f"/x/operations/{operation.id}/retry_failed")

    assert (again.status, "was stopped" in again.json["detail"]) == (409, True)
    assert (await read(api.store, operation.id)).status == "aborted"
    assert await _count(api) == 1 + _RUNS


async def test_undoing_an_operation_that_goes_on_stops_it_first(api: Api, worker: Operations, runs: list[str]) -> None:
    """What it has done by then is taken back."""
    operation = await accept(api.store, target={"ids": runs})
    await freezing.settle(api.store)
    await tick(worker)
    await tick(worker)
    undone = await finish(worker, (await undo(api.store, operation.id)).id)
    assert (await read(api.store, operation.id)).status == "aborted"
    assert (undone.status, undone.changed) == ("completed", 2)
    assert await _count(api) == 1 + _RUNS


async def test_undoing_twice_is_undoing_once_and_can_be_undone_itself(
    api: Api, worker: Operations, runs: list[str]
) -> None:
    """The second answer is the first one's operation."""
    operation = await accept(api.store, target={"ids": runs})
    await finish(worker, operation.id)
    first, second = await undo(api.store, operation.id), await undo(api.store, operation.id)
    assert first.id == second.id
    await finish(worker, first.id)
    assert (await read(api.store, operation.id)).undone_by == first.id
    assert await _count(api) == 1 + _RUNS

    again = await finish(worker, (await undo(api.store, first.id)).id)

    assert (again.kind, again.changed, again.undoable) == ("delete", _RUNS, True)
    assert await _count(api) == 1
    assert len((await api.get(f"/x/operations/{again.id}/items")).json) == _RUNS
    await finish(worker, (await undo(api.store, again.id)).id)
    assert await _count(api) == 1 + _RUNS


async def test_the_item_that_is_to_blame_fails_alone(
    api: Api, worker: Operations, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All others are dealt with; it is named with its error, and can be tried again."""
    remove = trash.remove

    async def refuse_one(
        transaction: Connection, operation_id: UUID, noun: OperationNoun, ids: Sequence[UUID], moment: datetime
    ) -> Removed:
        if UUID(runs[3]) in ids:
            raise Conflict(f"Flow run {runs[3]} is not to be had.")
        return await remove(transaction, operation_id, noun, ids, moment)

    async def refuse_all(*_: object) -> None:
        raise Conflict("Some flow run is not to be had.")

    operation = await accept(api.store, target={"ids": runs})
    monkeypatch.setattr(trash, "remove", refuse_one)
    monkeypatch.setattr(plain, "remove", refuse_all)
    done = await finish(worker, operation.id)

    assert (done.status, done.changed, done.failed, done.done) == ("completed", _RUNS - 1, 1, _RUNS)
    (group,) = (await api.get(f"/x/operations/{operation.id}/failures")).json
    assert (group["error"], group["count"], group["samples"]) == ("Flow run … is not to be had.", 1, [runs[3]])
    assert await _count(api) == 2

    monkeypatch.undo()
    assert (await api.post(f"/x/operations/{operation.id}/retry_failed")).status == 202
    again = await finish(worker, operation.id)
    assert (again.changed, again.failed, again.done) == (_RUNS, 0, _RUNS)
    assert await _count(api) == 1


async def test_an_operation_that_cannot_go_on_keeps_no_other_from_it(
    store: Store, worker: Operations, runs: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried again by and by, and the log says why it waits."""
    finish_ = ending.finish

    async def fail(transaction: Connection, record: Record, *args: Any, **how: Any) -> None:
        if record.id == stuck.id:
            raise OverflowError("too large")
        await finish_(transaction, record, *args, **how)

    stuck, other = await accept(store, target={"ids": runs[:3]}), await accept(store, target={"ids": runs[3:]})
    monkeypatch.setattr(ending, "finish", fail)
    assert (await finish(worker, other.id)).changed == 4
    assert (await read(store, stuck.id)).finished is None
    assert isinstance(worker.error_of(stuck.id), OverflowError)
    assert "operation_failed" in caplog.messages

    monkeypatch.undo()
    assert (await finish(worker, stuck.id, later=True)).changed == 3
    assert worker.error_of(stuck.id) is None


async def test_a_key_makes_a_double_click_one_operation(store: Store, worker: Operations, runs: list[str]) -> None:
    """Also when both arrive at once; with another request it is refused."""
    both = await asyncio.gather(*(accept(store, "k", target={"ids": runs}) for _ in range(2)))
    assert both[0].id == both[1].id
    await finish(worker, both[0].id)
    assert (await accept(store, "k", target={"ids": runs})).status == "completed"
    with pytest.raises(Conflict, match="came with another request"):
        await accept(store, "k", target={"ids": runs[1:]})


async def test_many_who_delete_the_same_have_one_effect(api: Api, settings: Settings) -> None:
    """Whoever comes later finds it done: no error, no deadlock."""
    flow_id = await api.flow()
    ids = [await api.flow_run({"type": "COMPLETED"}, flow_id=flow_id) for _ in range(60)]
    clients = 8
    operations = await asyncio.gather(*(accept(api.store, target={"ids": ids[::-1]}) for _ in range(clients)))
    quick = in_batches(settings, 20)

    async def work(store: Store) -> list[Operation]:
        worker = Operations(store, quick)
        return [await finish(worker, operation.id) for operation in operations]

    async with another_process(quick) as other:
        ended, _ = await asyncio.gather(work(api.store), work(other))

    assert sum(operation.changed for operation in ended) == len(ids)
    assert sum(operation.skipped for operation in ended) == len(ids) * (clients - 1)
    assert {(operation.status.value, operation.failed, operation.done) for operation in ended} == {
        ("completed", 0, len(ids))
    }
    assert await _count(api) == 0


async def test_what_becomes_of_an_operation_is_told_in_the_log(api: Api, worker: Operations, runs: list[str]) -> None:
    """Once each."""
    operation = await accept(api.store, target={"ids": runs}, reason="too old")
    await finish(worker, operation.id)
    await finish(worker, (await undo(api.store, operation.id)).id)

    resource = f"headrace.operation.{operation.id}"
    occurred = {"since": "2000-01-01T00:00:00Z", "until": now().isoformat()}
    wanted = {"filter": {"any_resource": {"id": [resource]}, "occurred": occurred, "order": "ASC"}}
    told = (await api.post("/events/filter", wanted)).json["events"]

    assert [event["event"].removeprefix("headrace.operation.") for event in told] == [
        "accepted",
        "running",
        "completed",
        "undone",
    ]
    assert told[2]["payload"]["changed"] == _RUNS
    assert told[2]["payload"]["reason"] == "too old"


async def test_what_is_removed_for_good_cannot_be_undone(api: Api, worker: Operations, runs: list[str]) -> None:
    """Once its purge has begun."""
    operation = await accept(api.store, target={"ids": runs}, options={"purge_after": 0})
    done = await finish(worker, operation.id)
    assert done.purge_at == done.finished
    from headrace.server.operations import service

    record = await service.load(api.store, operation.id)
    record.purge_position = 1
    assert not record.undoable
    with pytest.raises(Gone):
        service.opposite_of(record)
