"""Deployments made of flows, and their runs started from code."""

import threading
from collections.abc import Generator
from datetime import timedelta
from typing import Literal

import pytest

from headrace import flow, runtime, task
from headrace.client.orchestration import SyncHeadraceClient
from headrace.deployments import RunnerDeployment, run_deployment
from headrace.rules.json_schema import misfit
from headrace.sdk.parameter_schemas import parameter_schema
from headrace.states import Completed
from headrace.wire.errors import DefinitionError, ObjectNotFound
from headrace.wire.flow_runs import FlowRun
from headrace.wire.schedules import CronSchedule, DeploymentScheduleCreate, IntervalSchedule


@flow
def loads(table: str, rows: int = 10, mode: Literal["full", "new"] = "new", **more: int) -> None:
    """Load a table."""


@pytest.fixture
def finishes_runs(recorded: SyncHeadraceClient) -> Generator[None]:
    """In the place of a worker: every run that is scheduled completes."""
    stopped = threading.Event()

    def work() -> None:
        while not stopped.wait(0.02):
            for run in recorded.read_flow_runs():
                if run.deployment_id is not None and run.state is not None and run.state.is_scheduled():
                    recorded.set_flow_run_state(run.id, Completed(), force=True)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stopped.set()
    thread.join()


def deployed(name: str = "nightly") -> RunnerDeployment:
    deployment = loads.to_deployment(name, parameters={"table": "t"}, tags=["etl"])
    deployment.apply()
    return deployment


def test_a_flow_is_deployed_as_it_is_described(recorded: SyncHeadraceClient) -> None:
    made = loads.to_deployment(
        "nightly",
        cron="0 3 * * *",
        interval=timedelta(hours=1),
        schedules=[DeploymentScheduleCreate(schedule=CronSchedule(cron="@daily"), active=False)],
        parameters={"table": "t"},
        tags=["etl"],
        paused=True,
    )
    kept = recorded.read_deployment(made.apply())
    assert (kept.name, kept.tags, kept.parameters, kept.paused) == ("nightly", ["etl"], {"table": "t"}, True)
    assert kept.description == "Load a table."
    assert kept.version == loads.version
    assert kept.entrypoint == "tests/sdk/test_deployments.py:loads"
    assert kept.parameter_openapi_schema == made.parameter_openapi_schema
    schedules = {type(each.schedule): [] for each in kept.schedules}
    for each in kept.schedules:
        schedules[type(each.schedule)].append(each.active)
    assert {kind: sorted(active) for kind, active in schedules.items()} == {
        CronSchedule: [False, True],
        IntervalSchedule: [True],
    }
    assert recorded.read_deployment_by_name(made.full_name).id == kept.id


def test_a_deployment_that_is_applied_again_is_changed(recorded: SyncHeadraceClient) -> None:
    first = loads.to_deployment("nightly", cron="0 3 * * *").apply()
    second = loads.to_deployment("nightly", description="now without a schedule").apply()
    assert first == second
    kept = recorded.read_deployment(first)
    assert (kept.description, kept.schedules) == ("now without a schedule", [])


def test_the_schema_of_parameters_accepts_what_the_flow_accepts() -> None:
    schema = parameter_schema(loads.signature)
    assert schema["required"] == ["table"]
    assert schema["properties"]["rows"] == {"title": "Rows", "type": "integer", "position": 1, "default": 10}
    assert misfit({"table": "t", "rows": 3, "mode": "full"}, schema) is None
    for wrong in ({}, {"table": 3}, {"table": "t", "rows": "x"}, {"table": "t", "mode": "both"}):
        assert misfit(wrong, schema) is not None


def test_a_flow_inside_a_function_cannot_be_deployed() -> None:
    @flow
    def local() -> None: ...

    with pytest.raises(DefinitionError, match="inside a function"):
        local.to_deployment("nightly")


@pytest.mark.usefixtures("finishes_runs")
def test_a_deployment_is_run_and_waited_for(recorded: SyncHeadraceClient) -> None:
    deployed()
    run: FlowRun = run_deployment("loads/nightly", parameters={"rows": 3}, tags=["by-hand"], flow_run_name="mine")
    assert (run.state_name, run.name, run.parameters) == ("Completed", "mine", {"table": "t", "rows": 3})
    assert set(run.tags) == {"by-hand", "etl"}
    assert run.parent_task_run_id is None


def test_a_run_that_is_not_waited_for_is_given_at_once(recorded: SyncHeadraceClient) -> None:
    deployed()
    by_name: FlowRun = run_deployment("loads/nightly", timeout=0)
    assert by_name.state_name == "Scheduled"
    late: FlowRun = run_deployment(by_name.deployment_id, timeout=0.01)
    assert (late.state_name, late.deployment_id) == ("Scheduled", by_name.deployment_id)
    with pytest.raises(ObjectNotFound):
        run_deployment("loads/none")


@pytest.mark.usefixtures("finishes_runs")
def test_inside_a_flow_the_run_is_a_subflow(recorded: SyncHeadraceClient) -> None:
    deployed()

    @task
    def table() -> str:
        return "from a task"

    @flow
    def outer() -> tuple[FlowRun, FlowRun, str | None]:
        inner = run_deployment("loads/nightly", parameters={"table": table()})
        apart = run_deployment("loads/nightly", as_subflow=False, timeout=0)
        return inner, apart, runtime.flow_run.id

    inner, apart, outer_id = outer()
    assert apart.parent_task_run_id is None
    assert inner.parent_task_run_id is not None
    tracker = recorded.read_task_run(inner.parent_task_run_id)
    assert str(tracker.flow_run_id) == outer_id
    assert tracker.state_name == "Completed"
    assert [each.input_type for each in tracker.task_inputs["table"]] == ["task_run"]


async def test_async_flows_run_deployments_without_holding_up_the_loop(
    recorded: SyncHeadraceClient, finishes_runs: None
) -> None:
    await loads.to_deployment("nightly", parameters={"table": "t"}).apply()

    @flow
    async def outer() -> FlowRun:
        return await run_deployment("loads/nightly")

    assert (await outer()).state_name == "Completed"
