"""Random trees of runs, deleted and restored at random, agree with a model of what is there."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.server.history import History
from headrace.server.history.counting import Counting
from headrace.server.store.base import Statement, Store
from headrace.server.trash import settling
from headrace.wire.ids import uuid7
from headrace.wire.listings import FlowRunHistoryRequest
from headrace.wire.operations import OperationNoun
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.trash.changes import remove, restore
from tests.server.trash.dumps import counted, dump, totals

RUNS, ARTIFACTS = OperationNoun.FLOW_RUNS, OperationNoun.ARTIFACTS
_EARLIER = Statement("UPDATE flow_runs SET expected_start_time = $2 WHERE id = $1")
_TABLES = ("flow_runs", "flow_run_states", "task_runs", "task_run_states", "logs", "artifacts")
KEYS = ("table", "report")


@dataclass
class Model:
    """What should be there: runs and artifacts, and by which operation those are deleted that are not."""

    api: Api
    runs: list[UUID] = field(default_factory=list[UUID])
    tasks: dict[UUID, UUID] = field(default_factory=dict[UUID, UUID])
    artifacts: dict[UUID, tuple[str, UUID]] = field(default_factory=dict[UUID, tuple[str, UUID]])
    deleted: dict[UUID, UUID] = field(default_factory=dict[UUID, UUID])

    def shown(self, ids: Any) -> set[UUID]:
        return {id for id in ids if id not in self.deleted}

    def shown_artifacts(self) -> set[UUID]:
        return {id for id in self.shown(self.artifacts) if self.artifacts[id][1] not in self.deleted}

    def latest(self) -> set[tuple[str, UUID]]:
        """The newest shown artifact of each key."""
        shown = self.shown_artifacts()
        found = ((key, max((id for id in shown if self.artifacts[id][0] == key), default=None)) for key in KEYS)
        return {(key, id) for key, id in found if id is not None}


async def add_run(model: Model, parent: int | None, state: str, minutes: int) -> None:
    """A run, of another where there is one, with a task run, a log line and an artifact; expected so long ago."""
    api = model.api
    under = None
    if parent is not None and model.shown(model.runs):
        owner = sorted(model.shown(model.runs))[parent % len(model.shown(model.runs))]
        under = str(model.tasks[owner])
    run = UUID(await api.flow_run({"type": state}, parent_task_run_id=under))
    await api.store.execute(_EARLIER, run, now() - timedelta(minutes=minutes))
    task = await api.task_run(str(run), state={"type": state})
    line = {"name": "prefect", "level": 20, "message": "m", "timestamp": "2026-01-02T03:04:05Z"}
    await api.post("/logs/", [{**line, "flow_run_id": str(run), "task_run_id": task}])
    key = KEYS[minutes % len(KEYS)]
    artifact = (await api.post("/artifacts/", {"key": key, "data": minutes, "flow_run_id": str(run)})).json["id"]
    model.runs.append(run)
    model.tasks[run] = UUID(task)
    model.artifacts[UUID(artifact)] = (key, run)


async def agree(model: Model) -> None:
    """Every read shows what the model says, and what is kept beside the rows equals a recount."""
    api = model.api
    runs = model.shown(model.runs)
    assert {UUID(one["id"]) for one in (await api.post("/flow_runs/filter", {})).json} == runs
    assert (await api.post("/flow_runs/count", {})).json == len(runs)
    assert {UUID(one["id"]) for one in (await api.post("/task_runs/filter", {})).json} == {
        model.tasks[run] for run in runs
    }
    assert {UUID(one["flow_run_id"]) for one in (await api.post("/logs/filter", {})).json} == runs
    assert {UUID(one["id"]) for one in (await api.post("/artifacts/filter", {})).json} == model.shown_artifacts()
    latest = (await api.post("/artifacts/latest/filter", {})).json
    assert {(one["key"], UUID(one["latest_id"])) for one in latest} == model.latest()
    assert await counted(api.store) == await totals(api.store)
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)  # one for both: bars move with it
    for noun in ("flow_runs", "task_runs"):
        assert await _bars(api.store, noun, end, few_runs=0) == await _bars(api.store, noun, end, few_runs=1_000)


async def _bars(store: Store, noun: str, end: datetime, few_runs: int) -> Any:
    """The history of the last hours, from what was counted before or by looking at every run."""
    request = FlowRunHistoryRequest(
        history_start=end - timedelta(hours=4), history_end=end, history_interval_seconds=600
    )
    bars = await History(noun, few_runs=few_runs).bars(store, request, end)
    return [[(state.state_name, state.count_runs) for state in bar.states] for bar in bars]


chosen = st.integers(0, 5)
steps = st.one_of(
    st.tuples(
        st.just("run"),
        st.one_of(st.none(), chosen),
        st.sampled_from(("COMPLETED", "FAILED", "RUNNING")),
        st.integers(30, 200),
    ),
    st.tuples(st.just("remove"), st.lists(chosen, max_size=4)),
    st.tuples(st.just("remove artifacts"), st.lists(chosen, max_size=3)),
    st.tuples(st.just("restore"), chosen),
    st.tuples(st.just("settle"), st.lists(chosen, max_size=4)),
    st.tuples(st.just("count")),
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    first=st.lists(st.tuples(st.sampled_from(("COMPLETED", "RUNNING")), st.integers(30, 200)), min_size=2, max_size=4),
    then=st.lists(steps, max_size=8),
)
async def test_what_is_deleted_is_not_seen_and_nothing_is_lost(
    api: Api, first: list[tuple[str, int]], then: list[tuple[Any, ...]]
) -> None:
    await _empty(api.store)
    model, operations = Model(api), list[tuple[OperationNoun, UUID, list[UUID]]]()
    for state, minutes in first:
        await add_run(model, None, state, minutes)
    before = await _kept(api.store)
    for step in then:
        match step:
            case ("run", parent, state, minutes):
                await add_run(model, parent, state, minutes)
                before = None
            case ("remove" | "remove artifacts" as what, numbers):
                noun = RUNS if what == "remove" else ARTIFACTS
                of = model.runs if noun is RUNS else sorted(model.artifacts)
                ids = sorted({of[number % len(of)] for number in numbers})
                operation_id = uuid7()
                live = model.shown(ids) & (model.shown_artifacts() if noun is ARTIFACTS else set(model.runs))
                assert set((await remove(api.store, noun, ids, operation_id)).removed) == live
                model.deleted |= dict.fromkeys(live, operation_id)
                operations.append((noun, operation_id, ids))
            case ("restore", number) if operations:
                noun, operation_id, ids = operations[number % len(operations)]
                done = await restore(api.store, noun, ids, operation_id)
                for id in done.restored:
                    assert model.deleted.pop(id) == operation_id
                held = {one.id for one in done.conflicts}
                assert not [id for id in ids if model.deleted.get(id) == operation_id and id not in held]
            case ("settle", numbers):
                async with api.store.bulk() as transaction:
                    ids = [model.runs[number % len(model.runs)] for number in numbers]
                    await settling.settle(transaction, sorted(set(ids)), now())
            case ("count",):
                for noun_ in ("flow_runs", "task_runs"):
                    while await Counting(noun_).count(api.store, now()):
                        pass
            case _:
                continue
        await agree(model)
    for noun, operation_id, ids in sorted(operations, key=lambda one: one[0] is ARTIFACTS):
        await restore(api.store, noun, ids, operation_id)
    model.deleted.clear()
    await agree(model)
    if before is not None:
        assert await _kept(api.store) == before


async def _kept(store: Store) -> dict[str, list[str]]:
    found = await dump(store)
    return {table: found[table] for table in (*_TABLES, "totals")}


async def _empty(store: Store) -> None:
    """What an example before has left."""
    async with store.transaction() as transaction:
        for table in ("hidden_runs", "logs", "artifacts", "artifact_collections", "flows"):
            await transaction.execute(Statement(f"DELETE FROM {table}"))
        for table in ("task_runs", "tallies", "history_spans", "history_steps", "history_changes"):
            await transaction.execute(Statement(f"DELETE FROM {table}"))
