"""Runs of served deployments that do not go straight on: retried, suspended, paused, waiting for another run."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from headrace.sdk.states import Suspended
from tests.processes import ServerProcess
from tests.serving import Watched, is_alive, kill, serving_flows, until

pytestmark = pytest.mark.xdist_group("serving")

CODE = """
import os, time
from pathlib import Path
from headrace import flow, pause_flow_run, serve, suspend_flow_run, task
from headrace.deployments import run_deployment

@flow(retries=2, log_prints=True)
def second_time():
    tries = Path("tries")
    tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
    if len(tries.read_text()) < 2:
        raise ValueError("not yet")

@flow(retries=1, retry_delay_seconds=600)
def much_later():
    Path(f"much-later.{os.getpid()}").touch()
    raise ValueError("not yet")

@task
def step(name): ...

@flow
def asks(name: str):
    answer = suspend_flow_run(wait_for_input=str, timeout=600)
    Path(name).write_text(answer)

@flow
def pauses(name: str):
    Path(f"{name}-pid").write_text(str(os.getpid()))
    Path(name).write_text(pause_flow_run(wait_for_input=str, timeout=600, poll_interval=0.2))

@flow
def steps(name: str):
    Path(f"{name}-pid").write_text(str(os.getpid()))
    while not Path(f"{name}-go").exists():
        step(name)
        time.sleep(0.02)

@flow
def child(number: int) -> int:
    return number

@flow
def parent(number: int) -> str:
    run = run_deployment("child/child", parameters={"number": number}, poll_interval=0.2)
    return run.state_name

if __name__ == "__main__":
    flows = (second_time, much_later, asks, pauses, steps, child, parent)
    serve(*(each.to_deployment(each.name) for each in flows), limit=10)
"""
SHORT = {"HEADRACE_FLOWS_LEASE_SECONDS": "3", "HEADRACE_RUNNER_GRACE_SECONDS": "1"}


@pytest.fixture(scope="module")
def folder(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("served")
    with serving_flows(CODE, server.api_url, folder, **SHORT):
        yield folder


def resume(watched: Watched, run_id: UUID, value: str | None = None) -> None:
    answer = watched.client.resume_flow_run(run_id, None if value is None else {"value": value})
    assert answer.status == "ACCEPT", answer


def test_a_run_that_fails_is_tried_again_in_its_process(watched: Watched, folder: Path) -> None:
    run = watched.until_state(watched.begin("second-time"), "Completed")
    assert watched.states(run.id)[3:] == ["Running", "AwaitingRetry", "Retrying", "Completed"]
    assert run.run_count == 2
    (folder / "tries").unlink()


def test_a_run_that_waits_for_its_next_try_is_taken_over_when_its_process_is_killed(
    watched: Watched, folder: Path
) -> None:
    run = watched.until_state(watched.begin("much-later"), "AwaitingRetry")
    (file,) = folder.glob("much-later.*")
    kill(int(file.suffix[1:]))
    until(
        lambda: watched.client.read_flow_run(run.id).empirical_policy.retry_type == "reschedule",
        "a run that others may start",
    )
    assert watched.client.read_flow_run(run.id).state_name == "AwaitingRetry"
    file.unlink()
    watched.cancel(run.id)


def test_a_suspended_run_ends_its_process_and_goes_on_with_its_input_when_it_is_resumed(
    watched: Watched, folder: Path
) -> None:
    run_id = watched.begin("asks", name="asked")
    watched.until_state(run_id, "Suspended")
    resume(watched, run_id, "rye")
    watched.until_state(run_id, "Completed")
    assert (folder / "asked").read_text() == "rye"
    assert watched.client.read_flow_run(run_id).run_count == 1


def test_a_paused_run_waits_in_its_process_also_when_its_runner_is_killed(
    server: ServerProcess, watched: Watched, tmp_path: Path
) -> None:
    with serving_flows(
        CODE.replace("(each.name)", "(f'own-{each.name}')"), server.api_url, tmp_path, **SHORT
    ) as runner:
        run_id = watched.begin("own-pauses", name="paused")
        watched.until_state(run_id, "Paused")
        kill(runner.pid)
        runner.wait()
    resume(watched, run_id, "rye")
    watched.until_state(run_id, "Completed")
    assert (tmp_path / "paused").read_text() == "rye"


def test_a_run_that_is_suspended_from_outside_ends_before_its_next_task_and_starts_anew(
    watched: Watched, folder: Path
) -> None:
    run_id = watched.begin("steps", name="outside")
    pid = int(until(lambda: _text(folder / "outside-pid"), "its process"))
    watched.until_state(run_id, "Running")
    watched.client.set_flow_run_state(run_id, Suspended())
    until(lambda: not is_alive(pid), "an end of the process")
    assert watched.client.read_flow_run(run_id).state_name == "Suspended"
    (folder / "outside-go").touch()
    resume(watched, run_id)
    watched.until_state(run_id, "Completed")


def test_a_flow_runs_another_deployment_and_waits_for_it(watched: Watched, folder: Path) -> None:
    run = watched.until_state(watched.begin("parent", number=7), "Completed")
    assert run.state_name == "Completed"


def test_a_runner_that_is_asked_to_stop_pauses_its_deployments_and_waits_for_its_runs(
    server: ServerProcess, watched: Watched, tmp_path: Path
) -> None:
    code = CODE.replace("(each.name)", "(f'stops-{each.name}')")
    with serving_flows(code, server.api_url, tmp_path, **SHORT) as runner:
        run_id = watched.begin("stops-steps", name="last")
        until(lambda: _text(tmp_path / "last-pid"), "its process")
        runner.send_signal(signal.SIGTERM)
        deployment = watched.deployment("stops-steps")
        until(lambda: watched.client.read_deployment(deployment).paused, "a deployment that is paused")
        with pytest.raises(subprocess.TimeoutExpired):
            runner.wait(0.2)
        (tmp_path / "last-go").touch()
        assert runner.wait(30) == 0
    assert watched.client.read_flow_run(run_id).state_name == "Completed"


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""
