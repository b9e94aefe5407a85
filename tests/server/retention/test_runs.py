"""Flow runs that are over go to the trash by their outcome, age and number, and come back when that is undone."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.rules.retention_policies import Policy, parse_class
from headrace.server.operations import service as operations
from headrace.server.operations.service import Author
from headrace.server.operations.worker import carry_out_here
from headrace.server.retention import due
from headrace.server.retention.keeper import RetentionKeeper
from headrace.server.store import make_store
from headrace.server.store.base import Statement, Store
from headrace.server.store.hidden import shown
from headrace.settings import Settings
from headrace.wire.operations import OperationCreate, OperationKind, Target
from headrace.wire.times import now
from tests.conftest import settings_for
from tests.server.api import Api

DAY = 86_400.0
_END = Statement("UPDATE flow_runs SET end_time = $2 WHERE id = $1")
_SHOWN = Statement(f"SELECT name FROM flow_runs WHERE deleted_at IS NULL AND {shown('flow_runs.id')}")
_POLICIES = "/x/retention/policies"


async def ended(api: Api, name: str, *, days: float, type: str = "COMPLETED", **fields: object) -> str:
    """A run that ended so many days ago."""
    id = await api.flow_run({"type": type}, name=name, **fields)
    await api.store.execute(_END, UUID(id), now() - timedelta(days=days))
    return id


async def names(api: Api) -> set[str]:
    """The runs that are shown."""
    return {row[0] for row in await api.store.fetch(_SHOWN)}


async def put(api: Api, name: str, **policy: float) -> None:
    answer = await api.call("PUT", f"{_POLICIES}/{name}", policy)
    assert answer.status == 200, answer.json


async def run(api: Api, *only: str) -> Mapping[str, str | None]:
    """The operation that each policy asked for."""
    answer = await api.post("/x/retention/run", {"names": only or None})
    assert answer.status == 200, answer.json
    return {done["name"]: done["operation_id"] for done in answer.json}


async def test_runs_go_by_the_policy_of_their_outcome_and_only_when_they_are_over(api: Api) -> None:
    for type in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
        await ended(api, f"old {type}", days=100, type=type)
        await ended(api, f"new {type}", days=20, type=type)
    for type in ("RUNNING", "PAUSED", "CANCELLING", "PENDING", "SCHEDULED"):
        id = await api.flow_run({"type": type}, name=type)
        await api.store.execute(
            Statement("UPDATE flow_runs SET created = $2 WHERE id = $1"), UUID(id), now() - timedelta(days=999)
        )
    await put(api, "flow_runs", max_age=90 * DAY)
    await put(api, "flow_runs.completed", max_age=10 * DAY)
    await put(api, "flow_runs.failed", max_age=365 * DAY)
    asked = await run(api)
    assert (asked["flow_runs"] is not None, asked["flow_runs.failed"]) == (True, None)
    assert await names(api) == {
        *("old FAILED", "new FAILED", "new CRASHED", "new CANCELLED"),
        *("RUNNING", "PAUSED", "CANCELLING", "PENDING", "SCHEDULED"),
    }
    found = {policy["name"]: policy for policy in (await api.get(_POLICIES)).json}
    assert {name: (one["last_removed"], one["removed"], one["operation_id"]) for name, one in found.items()} == {
        "flow_runs": (2, 2, asked["flow_runs"]),
        "flow_runs.completed": (2, 2, asked["flow_runs.completed"]),
        "flow_runs.failed": (0, 0, None),
    }


async def test_what_a_policy_deleted_says_so_and_comes_back_by_undoing_it(api: Api) -> None:
    await ended(api, "old", days=100)
    await put(api, "flow_runs", max_age=90 * DAY)
    id = (await run(api))["flow_runs"]
    operation = (await api.get(f"/x/operations/{id}")).json
    assert (operation["policy"], operation["status"], operation["changed"]) == ("flow_runs", "completed", 1)
    assert operation["reason"] == "Retention of flow_runs"
    assert await names(api) == set()
    assert (await api.post(f"/x/operations/{id}/undo")).status == 202
    assert await names(api) == {"old"}


async def test_the_last_few_of_each_flow_stay_however_old_they_are(api: Api) -> None:
    busy, rare = await api.flow(), await api.flow()
    for days in (300, 200, 100, 50, 5):
        await ended(api, f"busy {days}", days=days, flow_id=busy)
    await ended(api, "busy failed", days=1, type="FAILED", flow_id=busy)
    await ended(api, "rare", days=900, flow_id=rare)
    await put(api, "flow_runs.completed", max_age=60 * DAY, keep_last=3)
    await run(api)
    assert await names(api) == {"busy 5", "busy 50", "busy 100", "busy failed", "rare"}
    await put(api, "flow_runs.completed", keep_last=1)
    await run(api)
    assert await names(api) == {"busy 5", "busy failed", "rare"}


async def test_a_subflow_run_goes_by_its_own_end_and_never_with_its_parent(api: Api) -> None:
    parent = await ended(api, "parent", days=100)
    for name, days in (("old", 100.0), ("young", 1.0)):
        await ended(api, name, days=days, parent_task_run_id=await api.task_run(parent))
    await api.flow_run({"type": "RUNNING"}, name="active", parent_task_run_id=await api.task_run(parent))
    await put(api, "flow_runs", max_age=30 * DAY)
    await run(api)
    assert await names(api) == {"young", "active"}


async def test_a_run_that_begins_anew_before_its_turn_is_left_alone(
    api: Api, store: Store, database_settings: Settings
) -> None:
    id = await ended(api, "again", days=100)
    wanted = OperationCreate(kind=OperationKind.DELETE, target=Target(ids=[UUID(id)]))
    made = await operations.create(store, wanted, Author(policy="flow_runs"), now())
    await api.propose("flow_runs", id, "RUNNING", force=True)
    await carry_out_here(store, database_settings, made.id)
    assert await names(api) == {"again"}
    [item] = (await api.get(f"/x/operations/{made.id}/items")).json
    assert (item["status"], "not over" in item["error"]) == ("skipped", True)


async def test_a_policy_waits_for_its_last_operation_and_asks_for_none_when_nothing_is_due(
    api: Api, store: Store, database_settings: Settings
) -> None:
    await put(api, "flow_runs", max_age=30 * DAY)
    keeper = RetentionKeeper(store, database_settings)
    assert not await keeper.tick()
    assert (await api.get("/x/operations")).json == []
    await ended(api, "old", days=100)
    await store.execute(Statement("UPDATE retention_policies SET last_run = NULL"))
    assert not await keeper.tick()
    [asked] = (await api.get("/x/operations")).json
    await store.execute(Statement("UPDATE retention_policies SET last_run = NULL"))
    assert not await keeper.tick()
    assert len((await api.get("/x/operations")).json) == 1
    again = (await api.post("/x/retention/run", {})).json
    assert (again[0]["under_way"], again[0]["operation_id"]) == (asked["id"], None)
    await carry_out_here(store, database_settings, UUID(asked["id"]))
    assert await names(api) == set()


async def test_a_preview_counts_runs_with_what_goes_along_and_removes_nothing(api: Api) -> None:
    for number in range(4):
        id = await ended(api, f"old {number}", days=100 + number)
        for _ in range(2):
            await api.task_run(id)
    await ended(api, "new", days=1)
    await ended(api, "failed", days=100, type="FAILED")
    await put(api, "flow_runs.failed", max_age=365 * DAY)
    drafts = [{"name": "flow_runs", "max_age": 30 * DAY, "keep_last": 1}, {"name": "flow_runs", "max_age": 30 * DAY}]
    kept, old = (await api.post("/x/retention/preview", {"policies": drafts})).json
    assert kept["total"] == 0, "each is the last of its flow"
    assert (old["total"], old["capped"], old["undoable"]) == (4, False, True)
    assert (old["rows"]["flow_runs"], old["rows"]["task_runs"], old["rows"]["flow_run_states"]) == (4, 8, 4)
    assert 4 * 1_000 < old["bytes"] < 4 * 10_000
    assert old["oldest"] < old["before"]
    assert len(await names(api)) == 6
    [set_] = (await api.post("/x/retention/preview", {})).json
    assert (set_["name"], set_["total"]) == ("flow_runs.failed", 0)


_FLOW = Statement("INSERT INTO flows (id, created, updated, name) VALUES ($1, $2, $2, $3)")
_RUN = Statement(
    "INSERT INTO flow_runs (id, created, updated, name, flow_id, state_type, end_time)"
    " VALUES ($1, $2, $2, 'run', $3, $4, $5)"
)
_AGE, _KEEP = st.none() | st.integers(1, 50), st.none() | st.integers(1, 4)
_RUNS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(("COMPLETED", "FAILED", "RUNNING")), st.integers(1, 50)), max_size=12
)


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of an empty database, for many examples in turn."""
    return settings_for(tmp_path_factory.mktemp("examples"))


@given(
    about=st.sampled_from(("flow_runs", "flow_runs.completed", "flow_runs.failed")), runs=_RUNS, age=_AGE, keep=_KEEP
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_is_due_is_what_the_words_say(
    sqlite: Settings, about: str, runs: list[tuple[int, str, int]], age: int | None, keep: int | None
) -> None:
    """Against a plain reading of the policy, over any set of runs."""
    policy = Policy(parse_class(about), None if age is None else age * DAY, keep)
    moment = now()
    if age is None and keep is None:
        return
    ends = {policy.about.part.upper()} if policy.about.part else {"COMPLETED", "FAILED"}
    store = make_store(sqlite)
    await store.open()
    try:
        await store.execute(Statement("DELETE FROM flow_runs"))
        await store.execute(Statement("DELETE FROM flows"))
        for flow in range(3):
            await store.execute(_FLOW, UUID(int=flow), moment, f"flow-{flow}")
        for number, (flow, type, days) in enumerate(runs):
            end = None if type == "RUNNING" else moment - timedelta(days=days + 0.5)
            await store.execute(_RUN, UUID(int=number), moment, UUID(int=flow), type, end)
        found = set(await due.ids(store, policy, [policy.about], moment, 100))
    finally:
        await store.close()
    expected: set[UUID] = set()
    for flow in range(3):
        governed = [(number, days) for number, (of, type, days) in enumerate(runs) if of == flow and type in ends]
        beyond = governed if keep is None else governed[:-keep]
        expected |= {UUID(int=number) for number, days in beyond if age is None or days + 0.5 > age}
    assert found == expected
