"""Deployments' limits hold their flow runs back, through the states that clients propose (contract §4.3)."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from headrace.server.store.base import Statement
from headrace.wire.times import now
from tests.server.api import Api, Json

RUNS = "flow_runs"
LIMITS = "/v2/concurrency_limits"
EXPIRE = Statement("UPDATE concurrency_leases SET expires_at = $1")
KEPT = Statement("SELECT count(*) FROM concurrency_leases WHERE expires_at IS NULL")
OLD_CLIENT = b"prefect/3.4.10 (API 0.8.4)"


async def deployed(api: Api, limit: int | None = 1, **fields: Json) -> str:
    """A deployment's id; its flow is new."""
    flow_id = fields.pop("flow_id", None) or await api.flow()
    body = {"name": f"d-{uuid4().hex}", "flow_id": flow_id, "concurrency_limit": limit, **fields}
    made = await api.post("/deployments/", body)
    assert made.status == 201, made.json
    return made.json["id"]


async def run_of(api: Api, deployment: str, type: str = "SCHEDULED") -> str:
    """A run of the deployment."""
    flow_id = (await api.get(f"/deployments/{deployment}")).json["flow_id"]
    return await api.flow_run({"type": type}, flow_id=flow_id, deployment_id=deployment)


async def active(api: Api, deployment: str) -> int:
    return (await api.get(f"{LIMITS}/deployment:{deployment}")).json["active_slots"]


async def propose(api: Api, run: str, type: str, **fields: Any) -> tuple[str, str]:
    """The answer's status and the name of the run's state then."""
    answer = (await api.propose(RUNS, run, type, **fields)).json
    return answer["status"], answer["state"]["name"]


async def lease_of(api: Api, run: str) -> str | None:
    return (await api.get(f"/flow_runs/{run}")).json["state"]["state_details"]["deployment_concurrency_lease_id"]


@pytest.mark.parametrize("end", ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"])
async def test_a_run_holds_a_slot_from_pending_until_it_ends(api: Api, end: str) -> None:
    deployment = await deployed(api)
    run = await run_of(api, deployment)
    assert await active(api, deployment) == 0
    assert await propose(api, run, "PENDING") == ("ACCEPT", "Pending")
    lease = await lease_of(api, run)
    assert lease is not None
    assert await active(api, deployment) == 1
    assert await propose(api, run, "PENDING", name="Submitting") == ("ACCEPT", "Submitting")
    assert await propose(api, run, "RUNNING") == ("ACCEPT", "Running")
    assert await lease_of(api, run) == lease
    assert await active(api, deployment) == 1
    assert (await api.post(f"{LIMITS}/leases/{lease}/renew")).status == 204
    await propose(api, run, end, force=True)
    assert await active(api, deployment) == 0
    assert (await api.post(f"{LIMITS}/leases/{lease}/renew")).status == 410


async def test_a_run_that_finds_no_slot_waits_in_line(api: Api) -> None:
    deployment = await deployed(api)
    first, second = await run_of(api, deployment), await run_of(api, deployment)
    await propose(api, first, "PENDING")
    before = now()
    answer = (await api.propose(RUNS, second, "PENDING")).json
    assert (answer["status"], answer["state"]["name"]) == ("REJECT", "AwaitingConcurrencySlot")
    assert answer["details"]["reason"] == "Deployment concurrency limit reached."
    assert answer["state"]["state_details"]["scheduled_time"] > before.isoformat()
    await propose(api, first, "RUNNING")
    await propose(api, first, "COMPLETED")
    assert await propose(api, second, "PENDING") == ("ACCEPT", "Pending")


async def test_or_is_cancelled_where_the_deployment_says_so(api: Api) -> None:
    deployment = await deployed(api, concurrency_options={"collision_strategy": "CANCEL_NEW"})
    await propose(api, await run_of(api, deployment), "PENDING")
    assert await propose(api, await run_of(api, deployment), "PENDING") == ("REJECT", "Cancelled")
    assert await active(api, deployment) == 1


async def test_a_deployment_without_a_limit_lets_all_runs_go_on(api: Api) -> None:
    deployment = await deployed(api, None)
    for _ in range(3):
        run = await run_of(api, deployment)
        assert await propose(api, run, "PENDING") == ("ACCEPT", "Pending")
        assert await lease_of(api, run) is None


async def test_a_run_of_a_deployment_that_is_gone_is_given_up(api: Api) -> None:
    flow = await api.flow()
    run = await api.flow_run({"type": "SCHEDULED"}, flow_id=flow, deployment_id=str(uuid4()))
    answer = (await api.propose(RUNS, run, "PENDING")).json
    assert (answer["status"], answer["details"]["reason"]) == ("ABORT", "Deployment not found.")


async def test_a_limit_that_is_switched_off_or_deleted_holds_nobody_back(api: Api) -> None:
    deployment = await deployed(api)
    await propose(api, await run_of(api, deployment), "PENDING")
    await api.patch(f"{LIMITS}/deployment:{deployment}", {"active": False})
    assert await propose(api, await run_of(api, deployment), "PENDING") == ("ACCEPT", "Pending")
    await api.delete(f"{LIMITS}/deployment:{deployment}")
    assert await propose(api, await run_of(api, deployment), "PENDING") == ("ACCEPT", "Pending")


async def test_deployments_can_share_a_limit(api: Api) -> None:
    shared = (await api.post(f"{LIMITS}/", {"name": "shared", "limit": 1})).json["id"]
    flow = await api.flow()
    one, two = [
        (await api.post("/deployments/", {"name": name, "flow_id": flow, "global_concurrency_limit_id": shared})).json[
            "id"
        ]
        for name in ("one", "two")
    ]
    assert await propose(api, await run_of(api, one), "PENDING") == ("ACCEPT", "Pending")
    assert await propose(api, await run_of(api, two), "PENDING") == ("REJECT", "AwaitingConcurrencySlot")
    assert (await api.get(f"{LIMITS}/shared")).json["active_slots"] == 1


class TestLeasesThatRunOut:
    async def test_a_run_whose_process_died_blocks_the_others_only_until_its_lease_runs_out(self, api: Api) -> None:
        deployment = await deployed(api)
        dead, next_one = await run_of(api, deployment), await run_of(api, deployment)
        await propose(api, dead, "PENDING")
        await propose(api, dead, "RUNNING")
        assert await propose(api, next_one, "PENDING") == ("REJECT", "AwaitingConcurrencySlot")
        await api.store.execute(EXPIRE, now())
        assert await active(api, deployment) == 0
        assert await propose(api, next_one, "PENDING") == ("ACCEPT", "Pending")
        assert await propose(api, dead, "CRASHED") == ("ACCEPT", "Crashed")
        assert await active(api, deployment) == 1

    async def test_a_run_that_lost_its_slot_while_it_was_prepared_takes_another(self, api: Api) -> None:
        deployment = await deployed(api)
        run = await run_of(api, deployment)
        await propose(api, run, "PENDING")
        lost = await lease_of(api, run)
        await api.store.execute(EXPIRE, now())
        assert await propose(api, run, "RUNNING") == ("ACCEPT", "Running")
        assert await lease_of(api, run) not in (None, lost)
        assert await active(api, deployment) == 1

    async def test_or_is_cancelled_where_there_is_none(self, api: Api) -> None:
        deployment = await deployed(api)
        run, other = await run_of(api, deployment), await run_of(api, deployment)
        await propose(api, run, "PENDING")
        await api.store.execute(EXPIRE, now())
        await propose(api, other, "PENDING")
        answer = (await api.propose(RUNS, run, "RUNNING")).json
        assert (answer["status"], answer["state"]["type"]) == ("REJECT", "CANCELLED")
        assert answer["details"]["reason"] == "Deployment concurrency limit reached after lease expiry."
        assert await active(api, deployment) == 1

    async def test_old_clients_hold_their_slot_until_the_run_ends(self, api: Api) -> None:
        deployment = await deployed(api)
        run = await run_of(api, deployment)
        api.headers[b"user-agent"] = OLD_CLIENT
        await propose(api, run, "PENDING")
        assert (await api.store.fetch(KEPT))[0][0] == 0
        await propose(api, run, "RUNNING")
        assert (await api.store.fetch(KEPT))[0][0] == 1
        await propose(api, run, "COMPLETED")
        assert await active(api, deployment) == 0

    async def test_a_lease_that_ran_out_is_not_brought_back_for_an_old_client(self, api: Api) -> None:
        deployment = await deployed(api)
        run, other = await run_of(api, deployment), await run_of(api, deployment)
        api.headers[b"user-agent"] = OLD_CLIENT
        await propose(api, run, "PENDING")
        await api.store.execute(EXPIRE, now())
        assert await propose(api, run, "RUNNING") == ("ACCEPT", "Running")
        assert await active(api, deployment) == 0
        assert await propose(api, other, "PENDING") == ("ACCEPT", "Pending")


@pytest.mark.parametrize("what", ["flow_runs", "flows", "bulk"])
async def test_a_run_that_is_deleted_gives_its_slot_back(api: Api, what: str) -> None:
    flow = await api.flow()
    shared = (await api.post(f"{LIMITS}/", {"name": "shared", "limit": 1})).json["id"]
    deployment = (
        await api.post("/deployments/", {"name": "d", "flow_id": flow, "global_concurrency_limit_id": shared})
    ).json["id"]
    run = await run_of(api, deployment)
    await propose(api, run, "PENDING")
    assert (await api.get(f"{LIMITS}/shared")).json["active_slots"] == 1
    match what:
        case "flow_runs":
            assert (await api.delete(f"/flow_runs/{run}")).status == 204
        case "flows":
            assert (await api.delete(f"/flows/{flow}")).status == 204
        case _:
            chosen = {"flow_runs": {"id": {"any_": [run]}}}
            assert (await api.post("/flow_runs/bulk_delete", chosen)).json == {"deleted": [run]}
    assert (await api.get(f"{LIMITS}/shared")).json["active_slots"] == 0


async def test_of_racing_runs_exactly_as_many_go_on_as_there_are_slots(api: Api) -> None:
    deployment = await deployed(api, 3)
    runs = [await run_of(api, deployment) for _ in range(10)]
    answers = await asyncio.gather(*(propose(api, run, "PENDING") for run in runs))
    assert sorted(answers) == [("ACCEPT", "Pending")] * 3 + [("REJECT", "AwaitingConcurrencySlot")] * 7
    assert await active(api, deployment) == 3


async def test_callers_that_race_for_one_run_take_one_slot(api: Api) -> None:
    deployment = await deployed(api, 5)
    run = await run_of(api, deployment)
    answers = await asyncio.gather(*(propose(api, run, "PENDING") for _ in range(6)))
    assert [status for status, _ in answers].count("ACCEPT") == 1
    assert await active(api, deployment) == 1


async def test_changing_a_deployment_and_running_it_do_not_wait_for_each_other_in_a_circle(api: Api) -> None:
    deployment = await deployed(api, 2)
    runs = [await run_of(api, deployment) for _ in range(12)]

    async def change(turn: int) -> int:
        return (await api.patch(f"/deployments/{deployment}", {"concurrency_limit": 2 + turn % 3})).status

    async def go(run: str) -> int:
        statuses = [(await api.propose(RUNS, run, type)).status for type in ("PENDING", "RUNNING", "COMPLETED")]
        return max(statuses)

    statuses = await asyncio.gather(*(work for turn, run in enumerate(runs) for work in (go(run), change(turn))))
    assert set(statuses) <= {200, 201, 204}
    assert await active(api, deployment) == 0
