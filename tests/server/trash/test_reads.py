"""Every read answers as if what is deleted had never been: while it is hidden, once it is marked, and beside others.

What is asked is counted by hand, too, in `tests/server/filters`; here each route is held to its own answer.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from headrace.server.store.base import Statement
from headrace.server.trash import settling
from headrace.wire.times import now
from tests.server.api import Api

Json = Any
END = datetime.now(UTC).replace(microsecond=0)
_EARLIER = Statement("UPDATE flow_runs SET expected_start_time = $2, start_time = $3 WHERE id = $1")
_TASK_EARLIER = Statement("UPDATE task_runs SET expected_start_time = $2, start_time = $2 WHERE flow_run_id = $1")
FILTERS: dict[str, dict[str, Json]] = {
    "all": {},
    "a flow": {"flows": {"name": {"any_": ["mill"]}}},
    "tags": {"flow_runs": {"tags": {"all_": ["red"]}}},
    "a state": {"flow_runs": {"state": {"type": {"any_": ["FAILED", "CRASHED"]}}}},
    "no deployment": {"flow_runs": {"deployment_id": {"is_null_": True}}},
    "either": {
        "flow_runs": {"operator": "or_", "tags": {"all_": ["red"]}, "state": {"type": {"any_": ["CRASHED"]}}},
    },
    "a deployment": {"deployments": {"name": {"any_": ["nightly"]}}},
    "a deployment like": {"deployments": {"name": {"like_": "night"}}},
    "task runs": {"task_runs": {"state": {"type": {"any_": ["FAILED"]}}}},
    "tagged task runs": {"task_runs": {"tags": {"all_": ["heavy"]}}, "flow_runs": {"tags": {"all_": ["red"]}}},
    "any task run": {"task_runs": {}},
    "with subflows": {"task_runs": {"subflow_runs": {"exists_": True}}},
    "all of it": {
        "flows": {"name": {"like_": "mill"}},
        "flow_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED"]}}},
        "task_runs": {"name": {"like_": "a"}},
        "deployments": {"tags": {"all_": ["prod"]}},
    },
}
WORK: dict[str, dict[str, Json]] = {
    "a pool": {"work_pools": {"name": {"any_": ["river"]}}},
    "a queue": {"work_queues": {"name": {"any_": ["default"]}}},
}
_HISTORY = {
    "history_start": (END - timedelta(hours=6)).isoformat(),
    "history_end": END.isoformat(),
    "history_interval_seconds": 1800,
}
_POOL_NAMES = {"work_pools": "work_pools", "work_queues": "work_pool_queues"}
"""How the routes of flow runs, flows and deployments call them in a body."""


def _since(task_runs: Json) -> Json:
    return {**task_runs, "start_time": {"after_": _HISTORY["history_start"], "before_": _HISTORY["history_end"]}}


def requests() -> Iterator[tuple[str, Json]]:
    """Paths and bodies, of everything that counts or lists runs and what belongs to them."""
    for filters in FILTERS.values():
        plain = {noun: given for noun, given in filters.items() if noun in ("flows", "flow_runs", "task_runs")}
        for path in ("/flow_runs/count", "/flow_runs/filter", "/flow_runs/paginate", "/flow_runs/lateness"):
            yield path, filters
        for path in ("/task_runs/count", "/task_runs/filter", "/task_runs/paginate"):
            yield path, filters
        for path in ("/flows/count", "/flows/filter", "/deployments/count", "/deployments/filter"):
            yield path, filters
        for path in ("/artifacts/count", "/artifacts/filter", "/artifacts/latest/count", "/artifacts/latest/filter"):
            yield path, plain
        yield "/flow_runs/history", filters | _HISTORY
        yield "/task_runs/history", filters | _HISTORY
        yield "/ui/task_runs/count", filters
        yield "/ui/task_runs/dashboard/counts", {**plain, "task_runs": _since(filters.get("task_runs", {}))}
        yield "/ui/flow_runs/history", filters
        if any(filters.values()):
            target = {"filters": filters}
            yield "/x/operations/preview", {"kind": "delete", "noun": "flow_runs", "target": target}
            yield "/x/operations/preview", {"kind": "delete", "noun": "task_runs", "target": target}
    for filters in WORK.values():
        named = {_POOL_NAMES[noun]: given for noun, given in filters.items()}
        for path in ("/flow_runs/count", "/flow_runs/filter", "/flow_runs/lateness", "/flows/count"):
            yield path, named
        yield "/flow_runs/history", named | _HISTORY
        yield "/x/operations/preview", {"kind": "delete", "noun": "flow_runs", "target": {"filters": filters}}
    for noun in ("flow_runs", "task_runs", "artifacts", "flows", "deployments"):
        yield "/x/operations/preview", {"kind": "delete", "noun": noun, "target": {"everything": True}}
    yield "/logs/filter", {}
    yield "/work_pools/filter", {}


async def add(api: Api, number: int, flow: str, deployment: str | None) -> UUID:
    """A run that is over, with task runs, a line and artifacts; of each shape of run one in some numbers."""
    begun = END - timedelta(minutes=20 + 11 * number)
    state = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")[number % 4]
    tags = ["red"] if number % 2 else ["blue", "red"] if number % 5 == 0 else []
    run = await api.flow_run({"type": state}, flow_id=flow, deployment_id=deployment, tags=tags, name=f"run-{number}")
    for place in range(number % 3):
        heavy = ["heavy"] if place else []
        task = await api.task_run(run, state={"type": ("COMPLETED", "FAILED")[place]}, tags=heavy, name=f"a-{place}")
        await api.post("/artifacts/", {"key": f"k-{number % 4}", "data": number, "task_run_id": task})
        if number % 4 == 2:
            await api.flow_run({"type": state}, flow_id=flow, parent_task_run_id=task, name=f"sub-{number}-{place}")
    await api.post("/artifacts/", {"key": f"k-{number % 3}", "data": number, "flow_run_id": run})
    await api.store.execute(_EARLIER, UUID(run), begun - timedelta(minutes=number), begun)
    await api.store.execute(_TASK_EARLIER, UUID(run), begun)
    return UUID(run)


async def lines(api: Api, runs: list[UUID]) -> None:
    line = {"name": "prefect", "level": 20, "message": "m", "timestamp": END.isoformat()}
    assert (await api.post("/logs/", [{**line, "flow_run_id": str(run)} for run in runs])).status == 201


async def deployed(api: Api, flow: str, name: str, tags: list[str]) -> str:
    made = await api.post("/deployments/", {"name": name, "flow_id": flow, "work_pool_name": "river", "tags": tags})
    assert made.status == 201, made.json
    return made.json["id"]


async def answers(api: Api, runs: list[UUID]) -> dict[str, Json]:
    """What every read says, in no order, without what is as of the moment; also of each of these runs itself."""
    found: dict[str, Json] = {}
    for path, body in requests():
        answer = await api.post(path, body)
        assert answer.status == 200, (path, body, answer.json)
        found[f"{path} {msgspec.json.encode(body).decode()}"] = _lasting(answer.json)
    for run in runs:
        for path in (f"/flow_runs/{run}", f"/flow_runs/{run}/graph-v2", f"/flow_run_states/?flow_run_id={run}"):
            answer = await api.get(*path.split("?"))
            found[path] = answer.status, _lasting(answer.json)
    return found


_OF_THE_MOMENT = frozenset({"token", "estimated_seconds", "created", "updated"})


def _lasting(answer: Json) -> Json:
    match answer:
        case dict():
            kept: dict[str, Json] = {  # pyright: ignore[reportUnknownVariableType]
                name: value
                for name, value in answer.items()  # pyright: ignore[reportUnknownVariableType]
                if name not in _OF_THE_MOMENT and "estimated" not in str(name)  # pyright: ignore[reportUnknownArgumentType]
            }
            return {name: _lasting(value) for name, value in kept.items()}
        case list():
            return sorted((_lasting(one) for one in answer), key=repr)  # pyright: ignore[reportUnknownVariableType]
        case _:
            return answer


async def delete(api: Api, ids: list[UUID]) -> Json:
    """The operation, which is over."""
    body = {"kind": "delete", "target": {"ids": [str(id) for id in ids]}}
    return (await api.post("/x/operations", body)).json


async def mark(api: Api, ids: list[UUID]) -> None:
    async with api.store.bulk() as transaction:
        await settling.settle(transaction, sorted(ids), now())


def differing(found: dict[str, Json], wanted: dict[str, Json]) -> dict[str, tuple[Json, Json]]:
    return {asked: (found[asked], answer) for asked, answer in wanted.items() if found[asked] != answer}


@pytest.fixture
async def flows(api: Api) -> list[tuple[str, str | None]]:
    """Flows and deployments that runs are of."""
    assert (await api.post("/work_pools/", {"name": "river", "type": "process"})).status == 201
    mill, forge = await api.flow(name="mill"), await api.flow(name="forge")
    nightly, hourly = await deployed(api, mill, "nightly", ["prod"]), await deployed(api, forge, "hourly", [])
    return [(mill, nightly), (forge, None), (mill, None), (forge, hourly)]


async def test_every_read_answers_as_if_what_is_deleted_had_never_been(
    api: Api, flows: list[tuple[str, str | None]]
) -> None:
    async def add_some(numbers: range) -> list[UUID]:
        return [await add(api, number, *flows[number % len(flows)]) for number in numbers]

    kept = await add_some(range(0, 12))
    await lines(api, kept)
    alone = await answers(api, kept)
    others = await add_some(range(12, 24))
    await lines(api, others)
    subflows = [UUID(one["id"]) for one in (await api.post("/flow_runs/filter", {})).json if "sub-" in one["name"]]
    others += [id for id in subflows if str(id) not in repr(alone)]
    together = await answers(api, kept)
    assert len(differing(together, alone)) > len(alone) / 2, "what is deleted would have been seen"

    operation = await delete(api, others)
    assert operation["changed"] == len(others)
    assert not differing(await answers(api, kept), alone), "hidden"
    await mark(api, others[::2])
    assert not differing(await answers(api, kept), alone), "some hidden, some marked"
    await mark(api, others)
    assert not differing(await answers(api, kept), alone), "marked"
    await api.post(f"/x/operations/{operation['id']}/undo")
    assert not differing(await answers(api, kept), together), "restored"

    await delete(api, await add_some(range(32, 34)))
    assert not differing(await answers(api, kept), together), "beside others that are hidden"
