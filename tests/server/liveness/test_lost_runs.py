"""A run of which nothing is heard in time is ended or begun anew, and nobody else's run is."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from headrace.server.events.persister import EventPersister
from headrace.server.liveness.service import Liveness
from headrace.settings import Settings
from headrace.settings.services import LivenessSettings
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.trees_of_runs import deployment, leases, open_runs, run_of, state_of, states_of, subflow

RUNS = "flow_runs"
LONG = timedelta(days=1)


@pytest.fixture
def service(api: Api, database_settings: Settings) -> Liveness:
    return Liveness(api.store, database_settings)


def configured(settings: Settings, **liveness: Any) -> Settings:
    services = settings.server.services
    changed = msgspec.structs.replace(services, liveness=msgspec.structs.replace(services.liveness, **liveness))
    return msgspec.structs.replace(settings, server=msgspec.structs.replace(settings.server, services=changed))


async def later(service: Liveness, seconds: float) -> datetime:
    """What a server does that has been up for long, so many seconds from now."""
    moment = now() + timedelta(seconds=seconds)
    while await service.tick_at(moment, LONG):
        pass
    return moment


async def running(api: Api, seconds: float = 30, **fields: Any) -> str:
    run = await api.flow_run({"type": "PENDING"}, **fields)
    await begin(api, run, seconds)
    return run


async def begin(api: Api, run: str, seconds: float = 30) -> None:
    api.headers[b"x-headrace-lease"] = str(seconds).encode()
    assert (await api.propose(RUNS, run, "RUNNING")).json["status"] == "ACCEPT"
    del api.headers[b"x-headrace-lease"]


async def beat(api: Api, run: str, occurred: datetime) -> None:
    resource = {"prefect.resource.id": f"prefect.flow-run.{run}", "prefect.resource.name": "r"}
    event = {"id": str(uuid4()), "occurred": occurred.isoformat(), "event": "prefect.flow-run.heartbeat"}
    assert (await api.post("/events", [event | {"resource": resource}])).status == 204


class TestLeases:
    async def test_a_run_whose_lease_runs_out_is_crashed_and_says_what_was_expected(
        self, api: Api, service: Liveness
    ) -> None:
        run = await running(api)
        await later(service, 29)
        assert await state_of(api, run) == "RUNNING"
        await api.post(f"/x/flow_runs/{run}/lease", {"seconds": 30, "holder": "host-7"})
        await later(service, 31)
        state = (await run_of(api, run))["state"]
        assert state["type"] == "CRASHED"
        assert state["message"].startswith("There was no sign of life of the flow run since 20")
        assert state["message"].endswith("UTC: host-7 had to renew its lease of 30 s.")

    async def test_what_went_on_inside_it_ends_too_and_slots_come_back(self, api: Api, service: Liveness) -> None:
        flow_id = await api.flow()
        made = await deployment(api, flow_id, concurrency_limit=1)
        run = await api.flow_run({"type": "SCHEDULED"}, flow_id=flow_id, deployment_id=made)
        await api.propose(RUNS, run, "PENDING")
        await begin(api, run)
        inside = await subflow(api, run)
        await api.task_run(inside, state={"type": "RUNNING"})
        assert len(await leases(api)) == 1
        await later(service, 31)
        assert await open_runs(api) == []
        assert await states_of(api, run, inside) == ["CRASHED", "CRASHED"]
        assert await leases(api) == []

    async def test_a_run_that_is_over_stays_as_it_is(self, api: Api, service: Liveness) -> None:
        run = await running(api)
        await api.propose(RUNS, run, "COMPLETED")
        await later(service, 10_000)
        assert await state_of(api, run) == "COMPLETED"

    async def test_a_run_that_gives_no_signs_is_never_taken_for_lost(self, api: Api, service: Liveness) -> None:
        run = await api.flow_run({"type": "PENDING"})
        await api.propose(RUNS, run, "RUNNING")
        await later(service, 10_000_000)
        assert await state_of(api, run) == "RUNNING"

    async def test_nobody_is_lost_because_the_server_was_away(self, api: Api, service: Liveness) -> None:
        run = await running(api, seconds=90)
        begun = now() + timedelta(hours=1)
        for seconds in (0, 45, 89):
            await service.tick_at(begun + timedelta(seconds=seconds))
            assert await state_of(api, run) == "RUNNING"
        await service.tick_at(begun + timedelta(seconds=91))
        assert await state_of(api, run) == "CRASHED"

    async def test_a_gap_between_two_looks_counts_as_away(self, api: Api, service: Liveness) -> None:
        run = await running(api, seconds=30)
        for seconds in (0, 50, 51 + LivenessSettings().patience_seconds):
            await service.tick_at(now() + timedelta(days=1, seconds=seconds))
        assert await state_of(api, run) == "RUNNING"

    async def test_a_run_that_is_renewed_while_it_is_looked_at_goes_on(self, api: Api, service: Liveness) -> None:
        """Whoever comes first: either the run goes on, or its process hears that it is over."""
        for _ in range(10):
            run = await running(api)
            moment = now() + timedelta(seconds=31)
            renewed, _ = await asyncio.gather(
                api.post(f"/x/flow_runs/{run}/lease", {"seconds": 600}), service.tick_at(moment, LONG)
            )
            state = await state_of(api, run)
            assert (renewed.json["directive"], state) in {("go_on", "RUNNING"), ("stop", "CRASHED")}

    async def test_a_run_that_ends_while_it_is_looked_at_has_one_end(self, api: Api, service: Liveness) -> None:
        for _ in range(10):
            run = await running(api)
            moment = now() + timedelta(seconds=31)
            await asyncio.gather(api.propose(RUNS, run, "COMPLETED"), service.tick_at(moment, LONG))
            types = [state["type"] for state in await api.states("flow_run", run)]
            assert types[-1] == "COMPLETED", types

    async def test_two_servers_end_each_lost_run_once(self, api: Api, database_settings: Settings) -> None:
        runs = [await running(api) for _ in range(20)]
        moment = now() + timedelta(seconds=31)
        both = [Liveness(api.store, database_settings) for _ in range(2)]
        await asyncio.gather(*(one.tick_at(moment, LONG) for one in both))
        for run in runs:
            assert [state["type"] for state in await api.states("flow_run", run)].count("CRASHED") == 1


class TestRetries:
    @pytest.fixture
    def service(self, api: Api, database_settings: Settings) -> Liveness:
        return Liveness(api.store, configured(database_settings, when_lost="reschedule"))

    async def test_a_lost_run_with_retries_left_begins_anew_elsewhere(self, api: Api, service: Liveness) -> None:
        flow_id = await api.flow()
        made = await deployment(api, flow_id, concurrency_limit=1)
        policy = {"retries": 1, "retry_delay": 10}
        run = await api.flow_run({"type": "SCHEDULED"}, flow_id=flow_id, deployment_id=made, empirical_policy=policy)
        await api.propose(RUNS, run, "PENDING")
        await begin(api, run)
        task = await api.task_run(run, state={"type": "RUNNING"})
        moment = await later(service, 31)
        found = await run_of(api, run)
        assert (found["state_type"], found["state_name"]) == ("SCHEDULED", "AwaitingRetry")
        assert found["empirical_policy"]["retry_type"] == "reschedule"
        due = datetime.fromisoformat(found["next_scheduled_start_time"])
        assert due == moment + timedelta(seconds=10)
        assert await leases(api) == []
        assert await state_of(api, task, "task_runs") == "CRASHED"
        due_runs = {"deployment_ids": [made], "scheduled_before": due.isoformat()}
        assert [one["id"] for one in (await api.post("/deployments/get_scheduled_flow_runs", due_runs)).json] == [run]
        answer = (await api.post(f"/x/flow_runs/{run}/lease", {"seconds": 30})).json
        assert answer["directive"] == "stop", "the process that was lost and came back must not go on"
        await api.propose(RUNS, run, "PENDING")
        await api.propose(RUNS, run, "RUNNING", force=True)
        await api.post(f"/x/flow_runs/{run}/lease", {"seconds": 30})
        await later(service, 31)
        assert await state_of(api, run) == "CRASHED", "its retries are used up"

    async def test_a_lost_run_that_nobody_else_can_begin_is_crashed(self, api: Api, service: Liveness) -> None:
        run = await running(api, empirical_policy={"retries": 3, "retry_delay": 0})
        await later(service, 31)
        assert await state_of(api, run) == "CRASHED"


class TestRetriesInTheProcess:
    async def test_a_retry_that_never_comes_is_tried_elsewhere(self, api: Api, service: Liveness) -> None:
        flow_id = await api.flow()
        made = await deployment(api, flow_id)
        policy = {"retries": 1, "retry_delay": 0}
        run = await running(api, flow_id=flow_id, deployment_id=made, empirical_policy=policy)
        await api.propose(RUNS, run, "FAILED")
        await later(service, 299)
        assert (await run_of(api, run))["empirical_policy"]["retry_type"] == "in_process"
        await later(service, 301)
        found = await run_of(api, run)
        assert (found["state_name"], found["empirical_policy"]["retry_type"]) == ("AwaitingRetry", "reschedule")

    async def test_a_retry_that_never_comes_and_that_nobody_else_can_try_is_crashed(
        self, api: Api, service: Liveness
    ) -> None:
        run = await running(api, empirical_policy={"retries": 1, "retry_delay": 0})
        await api.propose(RUNS, run, "FAILED")
        await later(service, 301)
        state = (await run_of(api, run))["state"]
        assert state["type"] == "CRASHED"
        assert state["message"].endswith(" and did not: its process is gone.")


class TestClaims:
    async def claimed(self, api: Api, *names: str) -> str:
        flow_id = await api.flow()
        made = await deployment(api, flow_id, concurrency_limit=1)
        due = {"scheduled_time": "2026-01-01T00:00:00Z"}
        state = {"type": "SCHEDULED", "state_details": due}
        run = await api.flow_run(state, flow_id=flow_id, deployment_id=made)
        for name in ("Pending", *names):
            assert (await api.propose(RUNS, run, "PENDING", name=name)).json["status"] == "ACCEPT"
        return run

    async def test_a_claim_that_leads_to_nothing_is_given_up_and_its_slot_too(
        self, api: Api, service: Liveness
    ) -> None:
        run = await self.claimed(api)
        await later(service, 299)
        assert await state_of(api, run) == "PENDING"
        await later(service, 301)
        found = await run_of(api, run)
        assert (found["state_type"], found["next_scheduled_start_time"]) == ("SCHEDULED", "2026-01-01T00:00:00Z")
        assert "was Pending for 300 s" in found["state"]["message"]
        assert await leases(api) == []
        assert (await api.propose(RUNS, run, "PENDING")).json["status"] == "ACCEPT", "somebody else can claim it"

    @pytest.mark.parametrize("name", ["Submitting", "InfrastructurePending"])
    async def test_infrastructure_may_take_longer(self, api: Api, service: Liveness, name: str) -> None:
        run = await self.claimed(api, name)
        await later(service, 3599)
        assert await state_of(api, run) == "PENDING"
        await later(service, 3601)
        assert await state_of(api, run) == "SCHEDULED"

    async def test_a_run_that_nobody_manages_to_begin_is_crashed_at_last(
        self, api: Api, database_settings: Settings
    ) -> None:
        service = Liveness(api.store, configured(database_settings, most_claims=3))
        run = await self.claimed(api)
        for seconds in (400, 800):
            await later(service, seconds)
            assert (await api.propose(RUNS, run, "PENDING")).json["status"] == "ACCEPT"
        await later(service, 1200)
        state = (await run_of(api, run))["state"]
        assert (state["type"], "claimed 3 times" in state["message"]) == ("CRASHED", True)
        assert await leases(api) == []

    async def test_a_pending_run_that_nobody_can_claim_is_crashed_and_may_begin_all_the_same(
        self, api: Api, service: Liveness
    ) -> None:
        run = await api.flow_run({"type": "PENDING"})
        await later(service, 3599)
        assert await state_of(api, run) == "PENDING"
        await later(service, 3601)
        assert await state_of(api, run) == "CRASHED"
        assert (await api.propose(RUNS, run, "RUNNING")).json["status"] == "ACCEPT"


class TestHeartbeats:
    @pytest.fixture
    async def api(self, api: Api, database_settings: Settings):
        async with EventPersister.running(api.store, database_settings):
            yield api

    async def test_a_run_that_has_given_heartbeats_is_lost_when_three_are_missing(
        self, api: Api, service: Liveness
    ) -> None:
        run = await api.flow_run({"type": "RUNNING"})
        await beat(api, run, now())
        await later(service, 530)
        assert await state_of(api, run) == "RUNNING"
        await later(service, 545)
        state = (await run_of(api, run))["state"]
        assert state["type"] == "CRASHED"
        assert state["message"].endswith("a heartbeat was expected every 180 s, and 3 were missed.")

    async def test_the_pace_is_learnt_from_the_run(self, api: Api, service: Liveness) -> None:
        quick, slow = [await api.flow_run({"type": "RUNNING"}) for _ in range(2)]
        began = now()
        for count in range(3):
            await beat(api, quick, began + timedelta(seconds=30 * count))
            await beat(api, slow, began + timedelta(seconds=600 * count))
        await later(service, 95)
        assert await states_of(api, quick, slow) == ["CRASHED", "RUNNING"]
        await later(service, 1795)
        assert await state_of(api, slow) == "RUNNING"
        await later(service, 1805)
        assert await state_of(api, slow) == "CRASHED"

    async def test_heartbeats_that_were_held_up_and_come_together_do_not_quicken_the_pace(
        self, api: Api, service: Liveness
    ) -> None:
        run = await api.flow_run({"type": "RUNNING"})
        for minutes in (9, 6, 3, 0):
            await beat(api, run, now() - timedelta(minutes=minutes))
        await later(service, 500)
        assert await state_of(api, run) == "RUNNING"

    async def test_heartbeats_do_not_prolong_a_lease(self, api: Api, service: Liveness) -> None:
        run = await running(api)
        await beat(api, run, now())
        await later(service, 31)
        assert await state_of(api, run) == "CRASHED"

    async def test_heartbeats_of_a_run_that_is_over_or_unknown_change_nothing(
        self, api: Api, service: Liveness
    ) -> None:
        run = await api.flow_run({"type": "RUNNING"})
        await api.propose(RUNS, run, "COMPLETED")
        for id in (run, str(uuid4()), "nonsense"):
            await beat(api, id, now())
        await later(service, 10_000)
        assert await state_of(api, run) == "COMPLETED"

    async def test_a_runner_that_has_ended_a_run_says_so_in_its_timeline(self, api: Api) -> None:
        run = await api.flow_run({"type": "RUNNING"})
        await api.propose(RUNS, run, "CANCELLING")
        event = {
            "id": str(uuid4()),
            "occurred": now().isoformat(),
            "event": "prefect.runner.cancelled-flow-run",
            "resource": {"prefect.resource.id": "prefect.runner.main", "prefect.resource.name": "main"},
            "related": [{"prefect.resource.id": f"prefect.flow-run.{run}", "prefect.resource.role": "flow-run"}],
        }
        await api.post("/events", [event])
        found = (await api.get(f"/x/flow_runs/{run}/cancellation")).json
        assert (found["killed"], found["infrastructure"]) == ("main", "gone")
