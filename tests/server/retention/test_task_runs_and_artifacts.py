"""Task runs outside of flows and artifacts go to the trash, and nothing of what is not over does."""

from datetime import timedelta
from uuid import UUID

from headrace.server.store.base import Statement
from headrace.wire.ids import first_uuid7
from headrace.wire.times import now
from tests.server.api import Api

DAY = 86_400.0
_END = Statement("UPDATE task_runs SET end_time = $2 WHERE id = $1")
_LIVE_TASKS = Statement("SELECT name FROM task_runs WHERE deleted_at IS NULL")
_LIVE_ARTIFACTS = Statement("SELECT description FROM artifacts WHERE deleted_at IS NULL")
_AGE = Statement("UPDATE artifacts SET id = $2, created = $3 WHERE id = $1")
_LATEST = Statement("UPDATE artifact_collections SET latest_id = $2 WHERE latest_id = $1")


async def task_run(api: Api, name: str, *, days: float, type: str = "COMPLETED", flow_run: str | None = None) -> str:
    """A task run that ended so many days ago."""
    id = await api.task_run(flow_run, name=name, state={"type": type})
    if type != "RUNNING":
        await api.store.execute(_END, UUID(id), now() - timedelta(days=days))
    return id


async def artifact(api: Api, name: str, *, days: float, **fields: object) -> None:
    """An artifact that was made so many days ago; ids are made in the order of time."""
    made = (await api.post("/artifacts/", {"description": name, **fields})).json["id"]
    at = now() - timedelta(days=days)
    id = UUID(int=first_uuid7(at).int + (UUID(made).int & (2**60 - 1)))
    await api.store.execute(_AGE, UUID(made), id, at)
    await api.store.execute(_LATEST, UUID(made), id)


async def run(api: Api, name: str, **policy: float) -> None:
    assert (await api.call("PUT", f"/x/retention/policies/{name}", policy)).status == 200
    assert (await api.post("/x/retention/run", {})).status == 200


async def left(api: Api, statement: Statement) -> set[str]:
    return {row[0] for row in await api.store.fetch(statement)}


async def test_task_runs_outside_of_flows_go_by_their_end_and_those_inside_with_their_flow_run(api: Api) -> None:
    flow_run = await api.flow_run({"type": "COMPLETED"})
    await task_run(api, "old", days=100)
    await task_run(api, "old failed", days=100, type="FAILED")
    await task_run(api, "new", days=1)
    await task_run(api, "running", days=0, type="RUNNING")
    await task_run(api, "inside", days=100, flow_run=flow_run)
    await run(api, "task_runs", max_age=30 * DAY)
    assert await left(api, _LIVE_TASKS) == {"new", "running", "inside"}
    [policy] = (await api.get("/x/retention/policies")).json
    assert policy["removed"] == 2
    await api.post(f"/x/operations/{policy['operation_id']}/undo")
    assert await left(api, _LIVE_TASKS) == {"old", "old failed", "new", "running", "inside"}


async def test_artifacts_go_by_their_age_but_for_the_last_few_of_each_key(api: Api) -> None:
    for days in (100, 90, 80, 1):
        await artifact(api, f"report {days}", days=days, key="report")
        await artifact(api, f"plain {days}", days=days)
    await artifact(api, "lone", days=900, key="lone")
    await run(api, "artifacts", max_age=30 * DAY, keep_last=2)
    assert await left(api, _LIVE_ARTIFACTS) == {"report 80", "report 1", "plain 1", "lone"}


async def test_by_number_alone_what_has_no_key_stays(api: Api) -> None:
    for days in (3, 2, 1):
        await artifact(api, f"report {days}", days=days, key="report")
        await artifact(api, f"plain {days}", days=days)
    await run(api, "artifacts", keep_last=1)
    assert await left(api, _LIVE_ARTIFACTS) == {"report 1", "plain 1", "plain 2", "plain 3"}


async def test_artifacts_of_runs_that_go_on_stay(api: Api) -> None:
    over, running = await api.flow_run({"type": "COMPLETED"}), await api.flow_run({"type": "RUNNING"})
    going_on = await task_run(api, "running", days=0, type="RUNNING")
    await artifact(api, "over", days=100, flow_run_id=over)
    await artifact(api, "running", days=100, flow_run_id=running)
    await artifact(api, "of a task", days=100, task_run_id=going_on)
    await run(api, "artifacts", max_age=30 * DAY)
    assert await left(api, _LIVE_ARTIFACTS) == {"running", "of a task"}
