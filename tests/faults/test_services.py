"""Several servers on one PostgreSQL: whichever is killed, schedules go on, and nothing is done twice."""

import json
import time
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.processes import ServerProcess, serving

Json = Any
HASTY = {
    "HEADRACE_SERVER_SERVICES_SCHEDULER_MIN_RUNS": "2",
    "HEADRACE_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": "0",
    "HEADRACE_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "0.5",
    "HEADRACE_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "0.5",
    "HEADRACE_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "1",
}
"""Runs are made two seconds ahead, so that nothing covers up for a scheduler that is gone."""
SECOND = timedelta(seconds=1)


def test_a_killed_leader_is_replaced_within_ten_seconds_and_no_run_is_missing_or_made_twice(
    postgres_url: str, tmp_path: Path
) -> None:
    homes = [tmp_path / name for name in ("one", "other")]
    for home in homes:
        home.mkdir()
    with serving(homes[0], postgres_url, settings=HASTY) as one, serving(homes[1], postgres_url, settings=HASTY) as two:
        flow = ask(one, "POST", "/flows/", {"name": "mill"})["id"]
        schedule = {"schedule": {"interval": 1, "anchor_date": "2026-01-01T00:00:00Z"}}
        made = ask(two, "POST", "/deployments/", {"name": "each-second", "flow_id": flow, "schedules": [schedule]})
        until(lambda: len(runs(one, made["id"])) > 3)
        holder = until(lambda: services(two)["scheduler"]["holder"])
        leader, survivor = (one, two) if f"-{one.process.pid}-" in holder else (two, one)
        assert f"-{leader.process.pid}-" in holder
        leader.process.kill()
        leader.process.wait()
        killed_at = time.monotonic()
        ahead = len(runs(survivor, made["id"]))
        until(lambda: len(runs(survivor, made["id"])) > ahead + 3, timeout=20)
        assert time.monotonic() - killed_at < 10
        assert f"-{survivor.process.pid}-" in services(survivor)["scheduler"]["holder"]
        until(lambda: all(status["running"] for status in services(survivor).values()))
        found = runs(survivor, made["id"])
        times = [datetime.fromisoformat(run["expected_start_time"]) for run in found]
        assert times == [times[0] + number * SECOND for number in range(len(times))]
        assert len({run["idempotency_key"] for run in found}) == len(found)
        until(lambda: runs(survivor, made["id"])[8]["state_name"] == "Late")
        states = ask(survivor, "GET", f"/flow_run_states/?flow_run_id={found[8]['id']}")
        assert [state["name"] for state in states] == ["Scheduled", "Late"]


def services(server: ServerProcess) -> dict[str, Json]:
    return {status["name"]: status for status in ask(server, "GET", "/x/services")}


def runs(server: ServerProcess, deployment_id: str) -> list[Json]:
    """The deployment's runs in the order of their time."""
    wanted = {"flow_runs": {"deployment_id": {"any_": [deployment_id]}}, "sort": "EXPECTED_START_TIME_ASC"}
    return ask(server, "POST", "/flow_runs/filter", wanted)


def ask(server: ServerProcess, method: str, path: str, body: Json = None) -> Json:
    sent = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{server.api_url}{path}", sent, {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def until(ask_again: Callable[[], Json], timeout: float = 60) -> Json:
    """What is answered once it is anything at all."""
    deadline = time.monotonic() + timeout
    while not (found := ask_again()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)
    return found
