"""Deleting in one request, as Prefect's own routes do."""

from uuid import UUID, uuid4

from headrace.server.operations.authors import Author
from headrace.server.operations.deleting import delete_now
from headrace.settings import Settings
from headrace.wire.operations import OperationNoun
from tests.server.api import Api

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
