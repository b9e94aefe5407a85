"""Cancelling a run ends its process with everything that it has started, whoever else was killed before."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from tests.processes import ServerProcess
from tests.serving import Watched, is_alive, kill, serving_flows, until

pytestmark = pytest.mark.xdist_group("serving")

CODE = """
import os, signal, subprocess, sys, time
from pathlib import Path
from headrace import flow, serve

def write(name, *pids):
    Path(f"{name}.part").write_text(" ".join(map(str, pids)))
    Path(f"{name}.part").rename(name)

GRANDCHILD = (
    "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "'-s' in sys.argv and os.setsid(); print('ready', flush=True); time.sleep(600)"
)

def grandchild(*options):
    started = subprocess.Popen([sys.executable, "-c", GRANDCHILD, *options], stdout=subprocess.PIPE)
    started.stdout.readline()
    return started.pid

def told(flow, run, state):
    Path("hook").write_text(state.name)

@flow(on_cancellation=[told])
def polite(name: str):
    write(name, os.getpid(), grandchild(), grandchild("-s"))
    time.sleep(600)

@flow
def deaf(name: str):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    write(name, os.getpid(), grandchild())
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass

@flow
async def waits(name: str):
    import asyncio
    write(name, os.getpid())
    await asyncio.sleep(600)

serve(*(each.to_deployment(each.name) for each in (polite, deaf, waits)), limit=10)
"""
SHORT = {"HEADRACE_FLOWS_LEASE_SECONDS": "3", "HEADRACE_RUNNER_GRACE_SECONDS": "1"}


@pytest.fixture(scope="module")
def folder(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("served")
    with serving_flows(CODE, server.api_url, folder, **SHORT):
        yield folder


def under_way(watched: Watched, folder: Path, flow: str, name: str) -> tuple[UUID, list[int]]:
    """A new run that has written its processes down."""
    run_id = watched.begin(flow, name=name)
    until(lambda: (folder / name).exists(), f"the processes of {flow}")
    return run_id, [int(pid) for pid in (folder / name).read_text().split()]


def until_gone(pids: list[int]) -> None:
    until(lambda: not any(map(is_alive, pids)), "an end of the processes")


def test_a_cancelled_run_ends_at_once_with_what_it_started_and_its_hook_is_called(
    watched: Watched, folder: Path
) -> None:
    run_id, pids = under_way(watched, folder, "polite", "first")
    watched.cancel(run_id)
    watched.until_state(run_id, "Cancelled")
    until_gone(pids)
    assert (folder / "hook").read_text() == "Cancelled"
    assert watched.states(run_id)[-2:] == ["Cancelling", "Cancelled"]


def test_an_async_run_is_cancelled(watched: Watched, folder: Path) -> None:
    run_id, pids = under_way(watched, folder, "waits", "second")
    watched.cancel(run_id)
    watched.until_state(run_id, "Cancelled")
    until_gone(pids)


def test_a_run_that_ignores_being_asked_is_killed_with_what_it_started(watched: Watched, folder: Path) -> None:
    run_id, pids = under_way(watched, folder, "deaf", "third")
    watched.cancel(run_id)
    watched.until_state(run_id, "Cancelled")
    until_gone(pids)
    assert watched.states(run_id).count("Cancelled") == 1


@pytest.mark.parametrize("flow", ["polite", "deaf"])
def test_a_run_whose_runner_was_killed_goes_on_and_ends_itself_when_it_is_cancelled(
    server: ServerProcess, watched: Watched, tmp_path: Path, flow: str
) -> None:
    with serving_flows(
        CODE.replace("each.name)", "'orphans-' + each.name)"), server.api_url, tmp_path, **SHORT
    ) as runner:
        run_id, pids = under_way(watched, tmp_path, f"orphans-{flow}", "orphan")
        kill(runner.pid)
        runner.wait()
    assert all(map(is_alive, pids))
    watched.cancel(run_id)
    watched.until_state(run_id, "Cancelled")
    until_gone(pids)


def test_how_a_cancellation_went_is_told_step_by_step(watched: Watched, folder: Path) -> None:
    run_id, pids = under_way(watched, folder, "deaf", "told")
    watched.cancel(run_id)
    watched.until_state(run_id, "Cancelled")
    until_gone(pids)
    told = watched.client.read_cancellation(run_id)
    assert told.told
    assert told.told.startswith("runner ")
    assert told.killed == told.told
    assert told.infrastructure == "gone"
    assert told.told_at
    assert told.killed_at
    assert told.final_at
    assert told.requested_at <= told.told_at <= told.killed_at <= told.final_at
