"""Serving flows: what is due is executed, each run in a process of its own, and how it ends is told."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from headrace.sdk.states import Scheduled
from headrace.wire.times import now
from tests.processes import ServerProcess
from tests.serving import Watched, serving_flows, until

pytestmark = pytest.mark.xdist_group("serving")

CODE = """
import os, sys, time
from headrace import flow, serve, task

if os.environ.get("HEADRACE__FLOW_RUN_ID") and os.path.exists("broken"):
    raise RuntimeError("the mill is broken")

@task
def add(number: int) -> int:
    return number + 1

@flow(log_prints=True)
def counts(number: int = 1) -> int:
    print("counted", add(number))
    return number

@flow
async def waits() -> None: ...

@flow
def dies(code: int = 7) -> None:
    print("the last words", flush=True)
    os._exit(code)

def missing(): ...

lost = counts.to_deployment("lost")
lost.entrypoint = "served.py:missing"
serve(
    counts.to_deployment("counts"), waits.to_deployment("waits"), dies.to_deployment("dies"), lost,
    counts.to_deployment("often", interval=1),
    counts.to_deployment("loose", enforce_parameter_schema=False), limit=3,
)
"""


@pytest.fixture(scope="module")
def folder(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where flows are served as long as the tests of this module go on."""
    folder = tmp_path_factory.mktemp("served")
    with serving_flows(CODE, server.api_url, folder):
        yield folder


def test_a_run_that_is_due_is_executed_and_its_output_is_seen(watched: Watched, folder: Path) -> None:
    run = watched.until_state(watched.begin("counts", number=41), "Completed")
    assert watched.states(run.id) == ["Scheduled", "Pending", "Submitting", "Running", "Completed"]
    assert run.infrastructure_pid
    assert run.flow_version
    assert "counted 42" in until(lambda: watched.logs(run.id), "its logs")
    assert f"{run.name} | " in (folder / "output.txt").read_text()


def test_an_async_flow_is_executed(watched: Watched, folder: Path) -> None:
    watched.until_state(watched.begin("waits"), "Completed")


def test_serving_says_what_it_serves_and_how_a_run_is_asked_for(watched: Watched, folder: Path) -> None:
    watched.deployment("often")
    said = until(lambda: (folder / "output.txt").read_text(), "the message")
    assert f"Serving 6 deployments of {watched.api_url}:" in said
    assert "counts/often    every second" in said
    assert "headrace deployment run counts/counts" in said


def test_a_process_that_ends_before_its_run_is_told_with_its_last_words(watched: Watched, folder: Path) -> None:
    run = watched.until_state(watched.begin("dies"), "Crashed")
    assert run.state is not None
    assert run.state.message == "The process of the flow run ended with the exit code 7."
    assert "the last words" in until(lambda: watched.logs(run.id), "its logs")


def test_a_process_that_says_all_is_well_and_leaves_its_run_running_has_crashed_it(
    watched: Watched, folder: Path
) -> None:
    run = watched.until_state(watched.begin("dies", code=0), "Crashed")
    assert run.state is not None
    assert run.state.message == "The process of the flow run ended with the exit code 0."


def test_what_keeps_a_flow_from_starting_is_the_runs_reason(watched: Watched, folder: Path) -> None:
    run = watched.until_state(watched.begin("lost"), "Crashed")
    assert run.state is not None
    assert "names missing, which is not a flow" in (run.state.message or "")
    (folder / "broken").touch()
    run = watched.until_state(watched.begin("counts"), "Crashed")
    (folder / "broken").unlink()
    assert run.state is not None
    assert run.state.message == "The flow could not be loaded: RuntimeError: the mill is broken"
    assert 'raise RuntimeError("the mill is broken")' in until(lambda: watched.logs(run.id), "its logs")


def test_parameters_that_do_not_fit_fail_the_run(watched: Watched, folder: Path) -> None:
    run = watched.until_state(watched.begin("loose", number="one"), "Failed")
    assert run.state is not None
    assert "The flow run cannot start" in (run.state.message or "")


def test_a_run_begins_at_its_time_and_not_before(watched: Watched, folder: Path) -> None:
    due = now() + timedelta(seconds=2.5)
    made = watched.client.create_flow_run_from_deployment(watched.deployment("counts"), state=Scheduled(due))
    run = watched.until_state(made.id, "Completed")
    assert run.start_time
    assert run.start_time >= due
