"""Whatever callers and runs do in whatever order, the slots in use are those that are held, and never too many."""

import asyncio
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.server.store.base import Statement
from headrace.wire.states import StateType
from tests.server.api import Api, Json

LIMITS = "/v2/concurrency_limits"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NEW_CLIENT, OLD_CLIENT = b"prefect/3.8.8 (API 0.8.4)", b"prefect/3.4.10 (API 0.8.4)"
HOLDING = {"PENDING", "RUNNING", "CANCELLING"}
LIMIT, RUNS = 3, 3
EXPIRE = Statement("UPDATE concurrency_leases SET expires_at = $2 WHERE id = $1")
COUNTED = Statement("SELECT active_slots FROM concurrency_limits WHERE name = $1")
HELD = Statement(
    """
    SELECT l.id, l.holder_type, l.holder_id, l.slots
    FROM concurrency_leases l
    JOIN concurrency_lease_limits x ON x.lease_id = l.id JOIN concurrency_limits c ON c.id = x.limit_id
    WHERE c.name = $1 AND (l.expires_at IS NULL OR l.expires_at > $2)
    """
)
trying = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

numbers = st.integers(min_value=1, max_value=2)
which = st.integers(min_value=0, max_value=RUNS - 1)
types = st.sampled_from([*StateType, StateType.PENDING, StateType.RUNNING]).map(str)
steps = st.one_of(
    st.tuples(st.sampled_from(["count", "discount", "lease"]), numbers),
    st.tuples(st.sampled_from(["return", "renew", "expire"]), st.integers(min_value=0, max_value=9)),
    st.tuples(st.sampled_from(["flow_run", "task_run"]), which, types, st.booleans(), st.booleans()),
    st.tuples(st.sampled_from(["flow_run", "task_run"]), which, types, st.just(False), st.just(False)),
    st.tuples(st.just("delete"), which),
)


class Held(NamedTuple):
    lease: str
    holder_type: str | None
    holder: str | None
    slots: int


class World:
    """One limit that a deployment, a tag and callers of the API share."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.tag = uuid4().hex
        self.name = f"tag:{self.tag}"
        self.leases: list[str] = []
        self.flow_runs: list[str] = []
        self.task_runs: list[str] = []

    async def begin(self) -> None:
        limit = (await self.api.post(f"{LIMITS}/", {"name": self.name, "limit": LIMIT})).json
        self.flow = await self.api.flow()
        self.enclosing = await self.api.flow_run({"type": "RUNNING"}, flow_id=self.flow)
        body = {"name": self.tag, "flow_id": self.flow, "global_concurrency_limit_id": limit["id"]}
        self.deployment = (await self.api.post("/deployments/", body)).json["id"]
        for _ in range(RUNS):
            self.flow_runs.append(await self._flow_run())
            self.task_runs.append(await self._task_run())

    async def do(self, step: Any) -> None:
        match step:
            case ("count", slots):
                await self._post("increment", {"names": [self.name], "slots": slots}, {200, 423})
            case ("discount", slots):
                await self._post("decrement", {"names": [self.name], "slots": slots}, {200})
            case ("lease", slots):
                taken = await self._post("increment-with-lease", {"names": [self.name], "slots": slots}, {200, 423})
                if "lease_id" in taken:
                    self.leases.append(taken["lease_id"])
            case ("return", turn) if self.leases:
                await self._post("decrement-with-lease", {"lease_id": self._lease(turn)}, {204})
            case ("renew", turn) if self.leases:
                await self._post(f"leases/{self._lease(turn)}/renew", {}, {204, 410})
            case ("expire", turn):
                held = await self.held()
                if held:
                    await self.api.store.execute(EXPIRE, UUID(held[turn % len(held)].lease), LONG_AGO)
            case ("flow_run", index, type, force, old):
                self.api.headers[b"user-agent"] = OLD_CLIENT if old else NEW_CLIENT
                answer = await self.api.propose("flow_runs", self.flow_runs[index], type, force=force)
                assert answer.status in (200, 201, 404), answer.json
            case ("task_run", index, type, force, _):
                answer = await self.api.propose("task_runs", self.task_runs[index], type, force=force)
                assert answer.status in (200, 201, 404), answer.json
            case ("delete", index):
                fresh = await self._flow_run()
                gone, self.flow_runs[index] = self.flow_runs[index], fresh
                assert (await self.api.delete(f"/flow_runs/{gone}")).status == 204
            case _:
                pass

    async def held(self) -> list[Held]:
        rows = await self.api.store.fetch(HELD, self.name, datetime.now(UTC))
        return [Held(str(row[0]), row[1], None if row[2] is None else str(row[2]), row[3]) for row in rows]

    async def check(self) -> int:
        """Nothing leaks: who holds a slot is there and in a state that needs one. Returns the slots in use."""
        active = (await self.api.get(f"{LIMITS}/{self.name}")).json["active_slots"]
        held = await self.held()
        counted = (await self.api.store.fetch(COUNTED, self.name))[0][0]
        assert counted >= 0
        assert active == counted + sum(share.slots for share in held)
        assert 0 <= active <= LIMIT
        for share in held:
            if share.holder_type == "flow_run":
                state = (await self.api.get(f"/flow_runs/{share.holder}")).json["state"]
                assert state["type"] in HOLDING
                assert state["state_details"]["deployment_concurrency_lease_id"] == share.lease
            elif share.holder_type == "task_run":
                assert (await self.api.get(f"/task_runs/{share.holder}")).json["state_type"] in HOLDING - {"PENDING"}
            else:
                assert share.lease in self.leases
        return active

    async def end(self) -> None:
        """Once everything has ended, nothing is in use."""
        for step in (("discount", LIMIT), *(("return", turn) for turn in range(len(self.leases)))):
            await self.do(step)
        for run in self.flow_runs:
            await self.api.propose("flow_runs", run, "CANCELLED", force=True)
        for run in self.task_runs:
            await self.api.propose("task_runs", run, "CANCELLED", force=True)
        assert await self.check() == 0

    def _lease(self, turn: int) -> str:
        return self.leases[turn % len(self.leases)]

    async def _post(self, path: str, body: Json, allowed: set[int]) -> Json:
        answer = await self.api.post(f"{LIMITS}/{path}", body)
        assert answer.status in allowed, answer.json
        return answer.json

    async def _flow_run(self) -> str:
        return await self.api.flow_run({"type": "SCHEDULED"}, flow_id=self.flow, deployment_id=self.deployment)

    async def _task_run(self) -> str:
        return await self.api.task_run(self.enclosing, tags=[self.tag])


@trying
@given(plan=st.lists(steps, max_size=25))
async def test_slots_in_use_are_those_that_are_held_after_every_step(api: Api, plan: list[Any]) -> None:
    world = World(api)
    await world.begin()
    after = 0
    for step in plan:
        before = after
        await world.do(step)
        after = await world.check()
        if step[0] == "lease":
            assert after == (before + step[1] if before + step[1] <= LIMIT else before)
    await world.end()


@trying
@given(rounds=st.lists(st.lists(steps, min_size=2, max_size=6), max_size=5))
async def test_slots_in_use_are_those_that_are_held_whoever_races(api: Api, rounds: list[list[Any]]) -> None:
    world = World(api)
    await world.begin()
    for plan in rounds:
        await asyncio.gather(*(world.do(step) for step in plan))
        await world.check()
    await world.end()
