"""Whatever is deleted is gone for every reader, leaves its name to others, and comes back as it was."""

from uuid import UUID

import pytest

from headrace.server.trash import service
from headrace.wire.ids import uuid7
from headrace.wire.operations import ConflictResolution, OperationNoun
from tests.server.api import Api
from tests.server.trash.changes import remove, restore
from tests.server.trash.dumps import dump

_TRIGGER = {"type": "event", "posture": "Reactive", "expect": ["mill.*"], "threshold": 2, "within": 60}
_RULE = {"schedule": {"interval": 3600, "anchor_date": "2026-01-01T00:00:00Z"}, "active": True}


async def _post(api: Api, path: str, body: object) -> str:
    made = await api.post(path, body)
    assert made.status in (200, 201), made.json
    return made.json["id"]


async def _block(api: Api) -> str:
    type_id = await _post(api, "/block_types/", {"name": f"mill-{uuid7()}", "slug": f"mill-{uuid7()}"})
    schema = {"fields": {"title": "Mill", "type": "object", "properties": {}}, "block_type_id": type_id}
    schema_id = await _post(api, "/block_schemas/", schema)
    body = {"name": "stone", "data": {"grain": "rye"}, "block_schema_id": schema_id, "block_type_id": type_id}
    return await _post(api, "/block_documents/", body)


async def _deployment(api: Api) -> str:
    body = {"name": "nightly", "flow_id": await api.flow(), "schedules": [_RULE], "concurrency_limit": 3}
    return await _post(api, "/deployments/", body)


async def make(api: Api, noun: OperationNoun) -> UUID:
    """One of a noun."""
    match noun:
        case OperationNoun.FLOWS:
            return UUID(await api.flow(name="etl"))
        case OperationNoun.FLOW_RUNS:
            return UUID(await api.flow_run({"type": "COMPLETED"}))
        case OperationNoun.TASK_RUNS:
            return UUID(await api.task_run(await api.flow_run({"type": "RUNNING"}), state={"type": "COMPLETED"}))
        case OperationNoun.DEPLOYMENTS:
            return UUID(await _deployment(api))
        case OperationNoun.ARTIFACTS:
            await _post(api, "/artifacts/", {"key": "table", "data": 1})
            return UUID(await _post(api, "/artifacts/", {"key": "table", "data": 2}))
        case OperationNoun.VARIABLES:
            return UUID(await _post(api, "/variables/", {"name": "answer", "value": 42}))
        case OperationNoun.BLOCK_DOCUMENTS:
            return UUID(await _block(api))
        case OperationNoun.AUTOMATIONS:
            body = {"name": "grind", "trigger": _TRIGGER, "actions": [{"type": "do-nothing"}]}
            return UUID(await _post(api, "/automations/", body))


@pytest.mark.parametrize("noun", OperationNoun)
async def test_what_is_deleted_is_gone_and_comes_back_as_it_was(api: Api, noun: OperationNoun) -> None:
    id, operation_id = await make(api, noun), uuid7()
    before, shown = await dump(api.store), (await api.get(f"/{noun.value}/{id}")).json

    removed = await remove(api.store, noun, [id], operation_id)
    assert removed.removed == [id]
    assert removed.counts[noun.value] == 1
    assert (await api.get(f"/{noun.value}/{id}")).status == 404
    assert (await api.post(f"/{noun.value}/filter", {})).json == [] or noun is OperationNoun.ARTIFACTS

    restored = await restore(api.store, noun, [id], operation_id)
    assert (restored.restored, restored.counts) == ([id], removed.counts)
    assert await dump(api.store) == before
    assert (await api.get(f"/{noun.value}/{id}")).json == shown


_NAMED = (
    OperationNoun.FLOWS,
    OperationNoun.VARIABLES,
)


@pytest.mark.parametrize("noun", _NAMED)
async def test_a_name_is_free_at_once_and_whoever_took_it_is_told_of(api: Api, noun: OperationNoun) -> None:
    id, operation_id = await make(api, noun), uuid7()
    await remove(api.store, noun, [id], operation_id)
    other = await make(api, noun)
    assert other != id

    (conflict,) = (await restore(api.store, noun, [id], operation_id)).conflicts
    assert conflict.id == id
    assert "has been taken since" in conflict.reason
    assert await service.conflicts(api.store, operation_id, noun, [id]) == [conflict]

    renamed = await restore(api.store, noun, [id], operation_id, ConflictResolution.RENAME)
    assert (renamed.restored, renamed.conflicts) == ([id], [])
    assert "restored" in (await api.get(f"/{noun.value}/{id}")).json["name"]


async def test_what_belongs_to_something_deleted_is_held_back(api: Api) -> None:
    flow = UUID(await api.flow(name="etl"))
    run = UUID(await api.flow_run({"type": "COMPLETED"}, flow_id=str(flow)))
    operation_id = uuid7()
    await remove(api.store, OperationNoun.FLOWS, [flow], operation_id)
    await remove(api.store, OperationNoun.FLOW_RUNS, [run], operation_id)

    assert await service.conflicts(api.store, operation_id, OperationNoun.FLOW_RUNS, [run]) == []
    (conflict,) = (await restore(api.store, OperationNoun.FLOW_RUNS, [run], operation_id)).conflicts
    assert "its flow 'etl' is deleted" in conflict.reason
    await restore(api.store, OperationNoun.FLOWS, [flow], operation_id)
    assert (await restore(api.store, OperationNoun.FLOW_RUNS, [run], operation_id)).restored == [run]
