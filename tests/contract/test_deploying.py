"""One prefect.yaml and both command lines; and the real worker, which is heard over its channel."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.client.orchestration import SyncHeadraceClient, get_client
from headrace.settings import temporary_settings
from headrace.wire.deployments import Deployment
from headrace.wire.variables import VariableCreate
from headrace.wire.work_pools import WorkPoolCreate, WorkPoolUpdate
from tests.contract.conftest import PEER, Peer
from tests.processes import HEADRACE, clean_environ, stop

pytestmark = pytest.mark.xdist_group("contract-deploying")

FLOWS = '''
try:
    from prefect import flow
except ImportError:
    from headrace import flow

@flow(version="7")
def grinds(grain: str = "rye", rounds: int = 2):
    """Grind it."""

@flow(version="7")
def sifts(flour: str):
    """Sift it."""
'''
FILE = """
name: mill
prefect-version: 3.8.8

definitions:
  pool: &pool
    name: mill
    work_queue_name: urgent
    job_variables: {env: {MILL: upper}}

build:
- prefect.deployments.steps.run_shell_script:
    id: commit
    script: echo v7
    stream_output: false
push: null
pull:
- prefect.deployments.steps.set_working_directory:
    directory: /mill

deployments:
- name: nightly
  version: "{{ commit.stdout }}"
  tags: [mill, "{{ $STAGE }}"]
  description: Grinds at night.
  entrypoint: flows.py:grinds
  parameters: {grain: "{{ prefect.variables.grain }}"}
  schedules:
  - cron: 0 3 * * *
    timezone: Europe/Vienna
    active: true
  - interval: 3600
    anchor_date: "2026-01-01T00:00:00+00:00"
    active: false
  concurrency_limit: 2
  work_pool: *pool
  triggers:
  - type: event
    expect: [grain.came]
    parameters: {grain: "{{ event.resource.id }}"}
- name: weekly
  version: 1.0.0
  description: Sifts.
  entrypoint: flows.py:sifts
  parameters: {flour: fine}
  enforce_parameter_schema: false
  schedules:
  - rrule: FREQ=WEEKLY;BYDAY=MO
  work_pool: *pool
"""
NAMES = ("grinds/nightly", "sifts/weekly")


def said(deployment: Deployment) -> dict[str, Any]:
    """What a deployment says, apart from when and how often it was written."""
    kept = {name: getattr(deployment, name) for name in deployment.__struct_fields__}
    for name in ("updated", "updated_by", "schedules", "parameter_openapi_schema", "global_concurrency_limit"):
        del kept[name]
    limit, schema = deployment.global_concurrency_limit, deployment.parameter_openapi_schema or {}
    schedules = [(each.schedule, each.active, each.parameters, each.slug) for each in deployment.schedules]
    types = {name: (each["type"], each.get("default")) for name, each in schema["properties"].items()}
    return kept | {"schedules": sorted(map(str, schedules)), "types": types, "limit": limit and limit.limit}


@pytest.fixture
def api(peer: Peer) -> Any:
    with temporary_settings({"api.url": peer.api_url}), get_client(sync_client=True) as client:
        yield client


Deploy = Callable[[], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def project(peer: Peer, api: SyncHeadraceClient, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that both command lines deploy from."""
    (peer.home / "flows.py").write_text(FLOWS)
    (peer.home / "prefect.yaml").write_text(FILE)
    monkeypatch.setenv("STAGE", "test")
    api.create_work_pool(WorkPoolCreate(name="mill", type="process"), overwrite=True)
    if api.read_variable_by_name("grain") is None:
        api.create_variable(VariableCreate(name="grain", value="spelt"))
    return peer.home


@pytest.fixture
def ours(peer: Peer, project: Path, tmp_path: Path) -> Deploy:
    """Our own `deploy --all` in that project."""

    def deploy() -> "subprocess.CompletedProcess[str]":
        environ = clean_environ(tmp_path) | {"HEADRACE_API_URL": peer.api_url}
        command = [HEADRACE, "deploy", "--all"]
        done = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done

    return deploy


def test_one_file_means_the_same_to_both(peer: Peer, api: SyncHeadraceClient, ours: Deploy) -> None:
    peer.cli("--no-prompt", "deploy", "--all")
    theirs = {name: said(api.read_deployment_by_name(name)) for name in NAMES}
    ours()
    assert {name: said(api.read_deployment_by_name(name)) for name in NAMES} == theirs
    again = ours()
    assert all(f"Deployment {name} is unchanged" in again.stderr for name in NAMES), again.stderr
    peer.cli("--no-prompt", "deploy", "--all")
    assert {name: said(api.read_deployment_by_name(name)) for name in NAMES} == theirs
    nightly = api.read_deployment_by_name(NAMES[0])
    assert (nightly.version, sorted(nightly.tags), nightly.parameters) == ("v7", ["mill", "test"], {"grain": "spelt"})
    automations = api.read_resource_related_automations(f"prefect.deployment.{nightly.id}")
    assert [list(automation.trigger.expect) for automation in automations] == [["grain.came"]]


def test_the_real_worker_is_heard_over_its_channel(peer: Peer, api: SyncHeadraceClient, tmp_path: Path) -> None:
    """It makes its pool, reports itself, and learns of changes without a word over REST."""
    environ = clean_environ(tmp_path) | {
        "PREFECT_API_URL": peer.api_url,
        "PREFECT_HOME": str(tmp_path),
        "PREFECT_LOGGING_LEVEL": "DEBUG",
        "PREFECT_WORKER_HEARTBEAT_SECONDS": "1",
        "DO_NOT_TRACK": "1",
    }
    output = tmp_path / "worker.txt"
    command = [PEER / "prefect", "worker", "start", "--pool", "by-channel", "--type", "process", "--name", "miller"]
    with (
        output.open("wb") as file,
        subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=file, stderr=subprocess.STDOUT) as worker,
    ):
        try:
            until(lambda: "because the worker channel is healthy" in output.read_text(), output)
            until(lambda: len(api.read_workers_for_work_pool("by-channel")) == 1, output)
            (first,) = api.read_workers_for_work_pool("by-channel")
            assert (first.name, first.status.value) == ("miller", "ONLINE")
            assert api.read_work_pool("by-channel").base_job_template["variables"]
            api.update_work_pool("by-channel", WorkPoolUpdate(concurrency_limit=3))

            def is_heard_again() -> bool:
                (now,) = api.read_workers_for_work_pool("by-channel")
                assert now.last_heartbeat_time is not None
                assert first.last_heartbeat_time is not None
                return now.last_heartbeat_time > first.last_heartbeat_time

            until(is_heard_again, output)
        finally:
            stop(worker)
    assert "ERROR" not in output.read_text()


def until(condition: Callable[[], bool], output: Path, timeout: float = 60) -> None:
    """Wait until something is so; what the worker said is shown if it never is."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.05)
