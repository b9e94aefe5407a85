"""A run under a lease is alive as long as its process says so, and the process hears what it is to do."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from headrace.server.store.base import Statement
from headrace.server.store.rows import Kind, Reader
from headrace.wire.times import now
from tests.server.api import Answered, Api

_LEASE = Statement("SELECT deadline, lease_seconds, lease_holder FROM flow_runs WHERE id = $1")
_LEASES = Reader(dict, {"deadline": Kind.TIME, "lease_seconds": Kind.FLOAT, "lease_holder": Kind.TEXT})


async def lease(api: Api, run: str) -> dict[str, Any]:
    return _LEASES.all(await api.store.fetch(_LEASE, run), api.store.dialect)[0]


async def under_lease(api: Api, seconds: str = "30", **fields: Any) -> str:
    run = await api.flow_run({"type": "PENDING"}, **fields)
    await propose_leased(api, run, seconds)
    return run


async def propose_leased(api: Api, run: str, seconds: str) -> Answered:
    api.headers[b"x-headrace-lease"] = seconds.encode()
    try:
        return await api.propose("flow_runs", run, "RUNNING")
    finally:
        del api.headers[b"x-headrace-lease"]


async def renew(api: Api, run: str, seconds: float = 30.0, holder: str | None = "host-1") -> Answered:
    return await api.post(f"/x/flow_runs/{run}/lease", {"seconds": seconds, "holder": holder})


def is_near(moment: datetime, seconds: float) -> bool:
    return abs(moment - now() - timedelta(seconds=seconds)) < timedelta(seconds=10)


async def test_a_run_that_asks_for_a_lease_gets_it_with_running(api: Api) -> None:
    run = await under_lease(api)
    found = await lease(api, run)
    assert is_near(found["deadline"], 30)
    assert (found["lease_seconds"], found["lease_holder"]) == (30.0, None)


async def test_a_run_that_asks_for_none_has_none(api: Api) -> None:
    run = await api.flow_run({"type": "PENDING"})
    await api.propose("flow_runs", run, "RUNNING")
    assert await lease(api, run) == {"deadline": None, "lease_seconds": None, "lease_holder": None}


@pytest.mark.parametrize("seconds", ["soon", "0", "-1", "1e9", "nan"])
async def test_a_lease_of_no_sensible_length_is_refused_and_changes_nothing(api: Api, seconds: str) -> None:
    run = await api.flow_run({"type": "PENDING"})
    refused = await propose_leased(api, run, seconds)
    assert refused.status == 400
    assert "x-headrace-lease" in refused.json["detail"]
    assert (await api.get(f"/flow_runs/{run}")).json["state_type"] == "PENDING"


async def test_a_sign_of_life_moves_the_deadline_on_and_nothing_else(api: Api) -> None:
    run = await under_lease(api)
    before = (await api.get(f"/flow_runs/{run}")).json
    answer = await renew(api, run, 600)
    assert answer.status == 200
    assert answer.json["directive"] == "go_on"
    assert (answer.json["state_type"], answer.json["state_name"], answer.json["reason"]) == ("RUNNING", "Running", None)
    found = await lease(api, run)
    assert is_near(found["deadline"], 600)
    assert (found["lease_seconds"], found["lease_holder"]) == (600.0, "host-1")
    after = (await api.get(f"/flow_runs/{run}")).json
    for moving in ("estimated_run_time", "estimated_start_time_delta"):
        del before[moving], after[moving]
    assert before == after


async def test_a_run_may_take_a_lease_while_it_runs(api: Api) -> None:
    run = await api.flow_run({"type": "RUNNING"})
    assert (await renew(api, run)).json["directive"] == "go_on"
    assert is_near((await lease(api, run))["deadline"], 30)


async def test_the_next_state_ends_the_lease(api: Api) -> None:
    run = await under_lease(api)
    await renew(api, run)
    await api.propose("flow_runs", run, "COMPLETED")
    assert await lease(api, run) == {"deadline": None, "lease_seconds": None, "lease_holder": None}


async def test_a_run_that_is_cancelled_hears_that_it_is_to_stop(api: Api) -> None:
    run = await under_lease(api)
    await api.propose("flow_runs", run, "CANCELLING")
    answer = (await renew(api, run)).json
    assert (answer["directive"], answer["state_type"]) == ("stop", "CANCELLING")
    assert answer["reason"] == "The run is being cancelled."
    assert is_near((await lease(api, run))["deadline"], 300), "the lease must not shorten or prolong the cancelling"


async def test_a_run_that_is_over_hears_why(api: Api) -> None:
    run = await under_lease(api)
    await api.propose("flow_runs", run, "CRASHED", message="The node is gone.")
    answer = (await renew(api, run)).json
    assert (answer["directive"], answer["deadline"]) == ("stop", None)
    assert answer["reason"] == "The run is over, it is Crashed: The node is gone."


async def test_a_run_that_waits_in_its_process_for_another_attempt_stays_alive(api: Api) -> None:
    policy = {"retries": 1, "retry_delay": 3600}
    run = await under_lease(api, empirical_policy=policy)
    await api.propose("flow_runs", run, "FAILED")
    assert is_near((await lease(api, run))["deadline"], 3600 + 300)
    assert (await renew(api, run)).json["directive"] == "go_on"
    assert is_near((await lease(api, run))["deadline"], 30)


async def test_a_suspended_run_leaves_its_process_and_a_paused_one_stays(api: Api) -> None:
    flow_id = await api.flow()
    made = await api.post("/deployments/", {"name": "d", "flow_id": flow_id})
    suspended = await under_lease(api, flow_id=flow_id, deployment_id=made.json["id"])
    details = {"pause_timeout": "2999-01-01T00:00:00Z", "pause_reschedule": True}
    await api.propose("flow_runs", suspended, "PAUSED", name="Suspended", state_details=details)
    assert (await renew(api, suspended)).json["directive"] == "suspend"
    paused = await under_lease(api)
    await api.propose("flow_runs", paused, "PAUSED", state_details=details | {"pause_reschedule": False})
    answer = (await renew(api, paused)).json
    assert (answer["directive"], answer["deadline"]) == ("go_on", "2999-01-01T00:00:00Z")


async def test_a_run_that_is_gone_has_no_lease(api: Api) -> None:
    assert (await renew(api, str(uuid4()))).status == 404
    run = await under_lease(api)
    await api.delete(f"/flow_runs/{run}")
    assert (await renew(api, run)).status == 404
