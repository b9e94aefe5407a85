"""Runs that something from outside ends: Ctrl-C, an exit, a timeout around them, an API that is away for good."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from headrace import flow, get_client, task
from headrace.client.connection import disconnect
from headrace.sdk import session
from headrace.wire.errors import ServiceUnavailable
from tests.processes import clean_environ, free_port
from tests.sdk.fake import FakeAPI

INTERRUPTED = """
import sys, time
from headrace import flow, task

@task
def forever():
    time.sleep(1000)

@task
def never():
    pass

@flow
def interrupted():
    first = forever.submit()
    never.submit(wait_for=[first])
    print("ready", flush=True)
    first.wait()

interrupted()
"""


def test_ctrl_c_ends_the_run_and_its_tasks_and_all_of_it_is_recorded(home: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED)
    process = subprocess.Popen(
        [sys.executable, script], env=clean_environ(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "KeyboardInterrupt" in errors
    with get_client(sync_client=True) as client:
        (run,) = client.read_flow_runs()
        assert run.state_name == "Crashed"
        states = {each.task_key.partition("-")[0]: each.state_name for each in client.read_task_runs()}
        assert states == {"forever": "Crashed", "never": "Crashed"}
    disconnect()


def test_a_flow_that_takes_too_long_does_not_wait_for_what_it_submitted(api: FakeAPI) -> None:
    gate = threading.Event()

    @task
    def blocked() -> None:
        gate.wait(60)

    @flow(timeout_seconds=0.2)
    def impatient() -> None:
        blocked.submit().wait()

    assert impatient(return_state=True).name == "TimedOut"
    gate.set()
    assert api.task_states(blocked.fn.__qualname__) == [["Pending", "Running", "Crashed"]]


def test_what_can_never_be_recorded_is_told_and_the_value_comes_back(
    api: FakeAPI, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("headrace.sdk.flow_engine.PATIENCE", 0.0)
    monkeypatch.setattr("headrace.sdk.session.PATIENCE", 0.0)
    api.answer = lambda _id, state: ServiceUnavailable("nobody there") if state.type == "COMPLETED" else None
    api.refuse_events = lambda: ServiceUnavailable("nobody there")

    @task
    def work() -> int:
        return 7

    @flow
    def outlasts() -> int:
        return work()

    assert outlasts() == 7
    session.flush_all()
    told = capsys.readouterr().err
    assert "3 events could not be recorded: the API cannot be reached: nobody there" in told
    assert "ended Completed(), but that could not be recorded: nobody there" in told


def test_with_no_api_to_begin_with_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []

    @flow
    def unreachable() -> None:
        called.append(1)

    monkeypatch.setenv("HEADRACE_API_URL", f"http://127.0.0.1:{free_port()}/api")
    monkeypatch.setenv("HEADRACE_API_MAX_RETRIES", "0")
    from headrace.settings import context

    context.reload()
    with pytest.raises(ServiceUnavailable):
        unreachable()
    assert not called
