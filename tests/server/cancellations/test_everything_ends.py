"""Whatever trees of runs are made, and whoever dies at whatever moment: after the deadlines nothing is left."""

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.server.cancellations.cleanup import CancellationCleanup
from headrace.server.liveness.service import Liveness
from headrace.server.pauses.expirations import PauseExpirations
from headrace.settings import Settings
from headrace.wire.times import now
from tests.server.api import Api, Json
from tests.server.trees_of_runs import OPEN, deployment, leases, open_runs, run_of

LONG = timedelta(days=1)
trying = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

which = st.integers(min_value=0, max_value=9)
steps = st.one_of(
    st.tuples(st.just("root"), st.booleans()),
    st.tuples(st.just("subflow"), which, st.booleans(), st.sampled_from(["SCHEDULED", "PENDING", "RUNNING"])),
    st.tuples(st.just("task"), which, st.sampled_from(["PENDING", "RUNNING", "COMPLETED"])),
    st.tuples(st.just("claim"), which, st.sampled_from(["Pending", "Submitting"])),
    st.tuples(st.just("begin"), which, st.booleans()),
    st.tuples(st.just("sign"), which),
    st.tuples(st.just("pause"), which, st.booleans()),
    st.tuples(st.just("resume"), which),
    st.tuples(st.just("cancel"), which, st.booleans()),
    st.tuples(st.just("end"), which, st.sampled_from(["COMPLETED", "FAILED", "CRASHED", "CANCELLED"])),
    st.tuples(st.just("killed"), which),
    st.tuples(st.just("wait"), st.sampled_from([10, 40, 100, 400])),
)


class World:
    """Trees of runs under a limit, their clients, and a server whose services see another time."""

    def __init__(self, api: Api, configured: Settings) -> None:
        self.api = api
        self.runs: list[str] = []
        self.passed = 0.0
        self.services = (
            Liveness(api.store, configured),
            CancellationCleanup(api.store, configured),
            PauseExpirations(api.store, configured),
        )

    async def prepare(self) -> None:
        self.flow = await self.api.flow()
        self.deployment = await deployment(self.api, self.flow, concurrency_limit=3)
        await self.api.post("/v2/concurrency_limits/", {"name": "tag:db", "limit": 3})

    async def do(self, step: Any) -> None:
        match step:
            case ("root", fetched):
                await self._add({"type": "SCHEDULED" if fetched else "PENDING"}, fetched)
            case ("subflow", number, fetched, type):
                if (parent := self._run(number)) is not None:
                    tracking = await self.api.task_run(parent)
                    await self._add({"type": type}, fetched, parent_task_run_id=tracking)
            case ("task", number, type):
                if (parent := self._run(number)) is not None:
                    task = await self.api.task_run(parent, state={"type": "PENDING"}, tags=["db"])
                    await self.api.propose("task_runs", task, type)
            case ("claim", number, name):
                await self._propose(number, "PENDING", name=name)
            case ("begin", number, leased):
                if leased:
                    self.api.headers[b"x-headrace-lease"] = b"30"
                await self._propose(number, "RUNNING")
                self.api.headers.pop(b"x-headrace-lease", None)
            case ("sign", number):
                if (run := self._run(number)) is not None:
                    await self.api.post(f"/x/flow_runs/{run}/lease", {"seconds": 30, "holder": "h"})
            case ("pause", number, leaves):
                until = (now() + timedelta(seconds=60 + self.passed)).isoformat()
                await self._propose(
                    number, "PAUSED", state_details={"pause_timeout": until, "pause_reschedule": leaves}
                )
            case ("resume", number):
                if (run := self._run(number)) is not None:
                    await self.api.post(f"/flow_runs/{run}/resume")
            case ("cancel", number, force):
                await self._propose(number, "CANCELLING", force=force)
            case ("end", number, type):
                await self._propose(number, type)
            case ("killed", number):
                if (run := self._run(number)) is not None:
                    body = {"step": "killed", "by": "worker", "infrastructure": "gone"}
                    await self.api.post(f"/x/flow_runs/{run}/cancellation", body)
            case ("wait", seconds):
                await self.wait(seconds)
            case _:
                raise AssertionError(step)

    async def wait(self, seconds: float) -> None:
        """Let so many seconds pass in which the services do what is due."""
        self.passed += seconds
        liveness, cleanup, pauses = self.services
        moment = now() + timedelta(seconds=self.passed)
        while await liveness.tick_at(moment, LONG):
            pass
        cleanup.begin_round()
        while await cleanup.tick_at(moment):
            pass
        while await pauses.tick_at(moment):
            pass

    async def abandon(self) -> None:
        """Everybody but the server dies; whoever still waits to be fetched is cancelled."""
        for run in self.runs:
            found = await run_of(self.api, run)
            if found["state_type"] not in OPEN:
                continue
            fetched = found["deployment_id"] is not None
            if fetched or found["state_type"] == "RUNNING":
                # Nobody fetches any more, and a run that gives no signs is never taken for lost: somebody cancels them.
                await self.api.propose("flow_runs", run, "CANCELLING")
        for _ in range(4):
            await self.wait(4000)
        for run in self.runs:
            if (await run_of(self.api, run))["state_type"] == "SCHEDULED":
                await self.api.propose("flow_runs", run, "CANCELLING")
        await self.wait(400)

    def _run(self, number: int) -> str | None:
        return self.runs[number % len(self.runs)] if self.runs else None

    async def _add(self, state: Json, fetched: bool, **fields: Json) -> None:
        if fetched:
            fields["deployment_id"] = self.deployment
        self.runs.append(await self.api.flow_run(state, flow_id=self.flow, **fields))

    async def _propose(self, number: int, type: str, **state: Json) -> None:
        if (run := self._run(number)) is not None:
            answer = await self.api.propose("flow_runs", run, type, **state)
            assert answer.status in (200, 201), answer.json


@trying
@given(st.lists(steps, min_size=8, max_size=30))
async def test_after_the_deadlines_no_run_is_open_and_no_slot_is_held(
    api: Api, database_settings: Settings, steps: list[Any]
) -> None:
    world = World(api, database_settings)
    await world.prepare()
    for step in [("root", False), ("begin", 0, True), ("root", True), *steps]:
        await world.do(step)
    await world.abandon()
    assert await open_runs(api) == []
    assert await leases(api) == []
