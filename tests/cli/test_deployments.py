"""Deployments, their runs and their schedules, from the command line against a real server."""

import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from headrace.client.orchestration import SyncHeadraceClient
from headrace.states import Completed, Failed, State
from headrace.wire.deployments import Deployment
from headrace.wire.schedules import CronSchedule, DeploymentScheduleCreate, IntervalSchedule
from headrace.wire.times import now
from headrace.wire.work_pools import WorkPoolCreate
from tests.cli.conftest import Command


@pytest.fixture(scope="module")
def api(api: SyncHeadraceClient) -> SyncHeadraceClient:
    """With a work pool."""
    api.create_work_pool(WorkPoolCreate(name="mill", type="process"))
    return api


@pytest.fixture
def flow() -> str:
    """The name of a flow that no other test uses."""
    return f"flow-{uuid4()}"


Make = Callable[..., Deployment]


@pytest.fixture
def make(api: SyncHeadraceClient, flow: str) -> Make:
    """Make a deployment of the flow."""

    def create(name: str = "nightly", **values: object) -> Deployment:
        flow_id = api.create_flow_from_name(flow)
        return api.read_deployment(api.create_deployment(flow_id, name, **{"work_pool_name": "mill", **values}))

    return create


def test_deployments_are_listed_with_when_and_where_they_run(served: Command, make: Make, flow: str) -> None:
    made = make(schedules=[DeploymentScheduleCreate(schedule=CronSchedule(cron="0 3 * * *"))], tags=[flow])
    make("weekly")
    header, row = served("deployment", "ls", "--tag", flow).stdout.splitlines()
    assert header.split() == ["ID", "NAME", "WORK", "POOL", "STATUS", "RUNS", "CHANGED"]
    assert row.startswith(f"{made.id}  {flow}/nightly  mill       not ready  by cron 0 3 * * *")
    assert len(served("deployments", "ls", "--flow", flow, "-o", "id").stdout.split()) == 2
    assert len(served("deployment", "ls", "--name", flow[5:], "--pool", "mill", "-o", "id").stdout.split()) == 2
    assert served("deployment", "ls", "--pool", "none").stderr.startswith("No deployment matches")


def test_a_deployment_is_inspected_by_name_and_by_id(served: Command, make: Make, flow: str) -> None:
    made = make(parameters={"day": 1}, description="what\nit does", concurrency_limit=3)
    shown = served("deployment", "inspect", f"{flow}/nightly").stdout
    for line in ("what it does", "day=1", "3, 0 taken", "mill"):
        assert line in shown
    assert json.loads(served("deployment", "inspect", made.id, "-o", "json").stdout)["parameters"] == {"day": 1}


def test_deployments_are_paused_resumed_and_deleted(
    served: Command, make: Make, api: SyncHeadraceClient, flow: str
) -> None:
    first, second = make("a"), make("b")
    assert served("deployment", "pause", f"{flow}/a", second.id).returncode == 0
    assert [api.read_deployment(each.id).paused for each in (first, second)] == [True, True]
    assert served("deployment", "resume", f"{flow}/a").stderr == f"Deployment {first.id} is resumed.\n"
    assert served("deployment", "delete", f"{flow}/a", f"{flow}/b", "--yes").returncode == 0
    gone = served("deployment", "inspect", f"{flow}/a")
    assert (gone.returncode, len(gone.stderr.splitlines())) == (1, 1)


def test_a_run_is_made_with_what_it_is_given(served: Command, make: Make, api: SyncHeadraceClient, flow: str) -> None:
    make(parameters={"day": 1, "table": "t"}, tags=["own"])
    options = [
        "--param",
        "day=3",
        "--params",
        '{"rows": [1]}',
        "-t",
        "by-hand",
        "-jv",
        "cpu=2",
        "--flow-run-name",
        "mine",
    ]
    answer = served("deployment", "run", f"{flow}/nightly", *options)
    run = api.read_flow_run(UUID(answer.stdout.strip()))
    assert run.parameters == {"day": 3, "table": "t", "rows": [1]}
    assert (run.name, sorted(run.tags), run.job_variables) == ("mine", ["by-hand", "own"], {"cpu": 2})
    assert answer.stderr == "Flow run mine is due now; a worker of the pool mill executes it.\n"


def test_a_run_is_made_for_later(served: Command, make: Make, api: SyncHeadraceClient, flow: str) -> None:
    make()

    def due(*options: str) -> float:
        answer = served("deployment", "run", f"{flow}/nightly", *options)
        run = api.read_flow_run(UUID(answer.stdout.strip()))
        assert run.next_scheduled_start_time is not None
        return (run.next_scheduled_start_time - now()).total_seconds()

    assert 1700 < due("--start-in", "30m") <= 1800
    later = now() + timedelta(days=3)
    assert abs(due("--start-at", later.isoformat()) - 3 * 86_400) < 60
    assert abs(due("--start-at", f"{later.astimezone():%Y-%m-%d %H:%M:%S}") - 3 * 86_400) < 60


@pytest.mark.parametrize(("end", "code"), [(Completed(), 0), (Failed(message="no grain"), 1)])
def test_a_watched_run_is_told_to_its_end(
    served: Command, make: Make, api: SyncHeadraceClient, flow: str, end: State, code: int
) -> None:
    made = make()

    def finish() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for run in api.read_flow_runs():
                if run.deployment_id == made.id:
                    api.set_flow_run_state(run.id, end, force=True)
                    return
            time.sleep(0.05)

    worker = threading.Thread(target=finish)
    worker.start()
    answer = served("deployment", "run", made.id, "--watch", "--watch-interval", "0.05", "--flow-run-name", "mine")
    worker.join()
    assert answer.returncode == code, answer.stderr
    assert f"● mine: {end.name}" in answer.stderr
    assert ("did not complete" in answer.stderr) == bool(code)


def test_a_watch_that_takes_too_long_ends_and_the_run_goes_on(
    served: Command, make: Make, api: SyncHeadraceClient
) -> None:
    answer = served("deployment", "run", make().id, "--watch", "--watch-interval", "0.05", "--watch-timeout", "0.1s")
    assert (answer.returncode, "is no longer watched" in answer.stderr) == (1, True)
    assert api.read_flow_run(UUID(answer.stdout.strip())).state_name == "Scheduled"


def test_schedules_are_made_listed_paused_and_deleted(
    served: Command, make: Make, api: SyncHeadraceClient, flow: str
) -> None:
    made, name = make(), f"{flow}/nightly"
    create = ("deployment", "schedule", "create", name)
    policy = ("--catchup", "latest", "--max-queued", "3", "--if-running", "skip")
    assert served(*create, "--cron", "0 3 * * *", "--timezone", "Europe/Vienna", "--slug", "nights").returncode == 0
    answer = served(*create, "--interval", "90m", "--slug", "often", "--param", "rows=3", "--paused", *policy)
    assert answer.stderr == f"{name} runs every 90 minutes once the schedule is resumed.\n"
    assert served(*create, "--rrule", "FREQ=MONTHLY;BYDAY=-1FR").returncode == 0
    rows = served("deployment", "schedule", "ls", name).stdout.splitlines()
    assert rows[0].split() == ["ID", "SLUG", "WHEN", "STATE", "NEXT", "POLICY", "PARAMETERS"]
    assert any("nights  by cron 0 3 * * * (Europe/Vienna)" in row and "active" in row for row in rows)
    assert any(
        "often" in row and "paused" in row and "catchup=latest, max_queued=3, if_running=skip  rows=3" in row
        for row in rows
    )

    def active() -> dict[str | None, bool]:
        return {each.slug: each.active for each in api.read_deployment(made.id).schedules}

    assert served("deployment", "schedule", "pause", name, "nights").returncode == 0
    assert active() == {"nights": False, "often": False, None: True}
    assert served("deployment", "schedule", "resume", name, "--all").returncode == 0
    assert active() == {"nights": True, "often": True, None: True}
    assert served("deployment", "schedule", "delete", name, "often", "-y").returncode == 0
    assert set(active()) == {"nights", None}
    assert served(*create, "--interval", "60", "--replace", "-y").returncode == 0
    assert set(active()) == {None}
    assert served("deployment", "schedule", "pause", name).returncode == 0, "there is only one, so it is meant"
    assert served("deployment", "schedule", "clear", name, "-y").returncode == 0
    assert active() == {}
    assert served("deployment", "schedule", "ls", name).stderr.startswith(f"{name} has no schedule")


WRONG: list[tuple[list[str], int, str]] = [
    (["inspect", "nightly"], 2, "write it as flow/deployment"),
    (["inspect", "none/none"], 1, "headrace deployment ls"),
    (["pause"], 2, "flow/deployment"),
    (["run", "none/none"], 1, "There is no deployment none/none"),
    (["run", "NAME", "--param", "x"], 2, "--param x gives no value"),
    (["run", "NAME", "--params", "{"], 2, "--params is no JSON"),
    (["run", "NAME", "--start-at", "soonish"], 2, "--start-at 'soonish' is no moment"),
    (["run", "NAME", "--start-in", "soon"], 2, "--start-in 'soon' is not a length of time"),
    (["run", "NAME", "--start-in", "1h", "--start-at", "18:00"], 2, "give one of them"),
    (["run", "NAME", "--param", "rows=many"], 1, "rows"),
    (["schedule", "create", "NAME"], 2, "exactly one of cron, interval and rrule"),
    (["schedule", "create", "NAME", "--cron", "x"], 2, "The schedule is not right"),
    (["schedule", "create", "NAME", "--interval", "often"], 2, "--interval 'often'"),
    (["schedule", "pause", "NAME"], 2, "has the schedules a, b: say which"),
    (["schedule", "pause", "NAME", "none"], 1, "has no schedule none"),
    (["schedule", "pause", "NAME", "a", "--all"], 2, "name none beside it"),
]


@pytest.mark.parametrize(("arguments", "code", "reason"), WRONG, ids=[" ".join(each[0]) for each in WRONG])
def test_what_is_wrong_is_told_in_one_line(
    served: Command, make: Make, flow: str, arguments: list[str], code: int, reason: str
) -> None:
    every = IntervalSchedule(interval=3600)
    schema = {"type": "object", "properties": {"rows": {"type": "integer"}}}
    schedules = [DeploymentScheduleCreate(schedule=every, slug=slug) for slug in ("a", "b")]
    make(schedules=schedules, parameter_openapi_schema=schema)
    answer = served("deployment", *(f"{flow}/nightly" if each == "NAME" else each for each in arguments))
    assert (answer.returncode, len(answer.stderr.splitlines())) == (code, 1), answer.stderr
    assert reason in answer.stderr
