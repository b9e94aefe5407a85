"""Deploying from code: to a pool, checked first, and only what differs is written."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from headrace import Flow, flow
from headrace.client.orchestration import SyncHeadraceClient
from headrace.deployments import EntrypointType, RunnerDeployment, deploy
from headrace.runner.storage import GitRepository, LocalStorage
from headrace.schedules import Interval
from headrace.sdk.deploying.putting import Change
from headrace.sdk.runner_deployment import apply_to
from headrace.sdk.system_blocks import Secret
from headrace.wire.deploying_errors import DeploymentError, StepFailed
from headrace.wire.errors import DefinitionError
from headrace.wire.work_pools import WorkPoolCreate
from tests.sdk.deploying.samples import loads, reports
from tests.sdk.steps.repositories import commit, repository

FLOW = "from headrace import flow\n\n@flow\ndef grinds(grain: str = 'rye'):\n    return grain\n"
TEMPLATE: dict[str, Any] = {
    "job_configuration": {"cpu": "{{ cpu }}"},
    "variables": {"type": "object", "properties": {"cpu": {"type": "integer"}}},
}


@pytest.fixture
def pool(recorded: SyncHeadraceClient) -> str:
    recorded.create_work_pool(WorkPoolCreate(name="mill", type="process", base_job_template=TEMPLATE))
    return "mill"


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    folder = repository(tmp_path / "origin" / "mill")
    commit(folder, "flows/grinding.py", FLOW)
    return folder


def test_a_flow_is_deployed_to_a_pool_from_where_its_code_is(
    recorded: SyncHeadraceClient, pool: str, capsys: pytest.CaptureFixture[str]
) -> None:
    id_: UUID = loads.deploy("nightly", work_pool_name=pool, cron="0 3 * * *", job_variables={"cpu": 2})
    kept = recorded.read_deployment(id_)
    assert (kept.work_pool_name, kept.work_queue_name, kept.job_variables) == ("mill", "default", {"cpu": 2})
    assert kept.pull_steps == [{"headrace.deployments.steps.set_working_directory": {"directory": os.getcwd()}}]
    assert capsys.readouterr().err.splitlines() == [
        "Deployment loads/nightly is made in the work pool mill: runs by cron 0 3 * * *.",
        "Run it now: headrace deployment run loads/nightly",
        "No worker of the work pool mill is online; start one: headrace worker start --pool mill",
    ]


def test_several_are_deployed_at_once(recorded: SyncHeadraceClient, pool: str) -> None:
    recorded.send_worker_heartbeat("mill", "miller", 30)
    ids: list[UUID] = deploy(loads.to_deployment("a"), reports.to_deployment("b"), work_pool_name=pool)
    assert [recorded.read_deployment(id_).name for id_ in ids] == ["a", "b"]


async def test_in_async_code_deploying_is_awaited(recorded: SyncHeadraceClient, pool: str) -> None:
    (id_,) = await deploy(loads.to_deployment("a"), work_pool_name=pool)
    assert await loads.deploy("a", work_pool_name=pool) == id_


def test_an_image_has_the_code(recorded: SyncHeadraceClient, pool: str) -> None:
    kept = recorded.read_deployment(loads.deploy("nightly", pool, "mill:1"))
    assert (kept.job_variables, kept.pull_steps, kept.path) == ({"image": "mill:1"}, [], None)


WRONG: list[tuple[RunnerDeployment, str]] = [
    (loads.to_deployment("x", work_pool_name="none"), "work_pool.name: there is no work pool none; headrace work-pool"),
    (loads.to_deployment("x"), "work_pool: no work pool is named"),
    (loads.to_deployment("x", cron="61 * * * *", work_pool_name="mill"), "schedules[0].cron: "),
    (loads.to_deployment("x", rrule="FREQ=SOMETIMES", work_pool_name="mill"), "schedules[0].rrule: "),
    (loads.to_deployment("x", parameters={"rows": "many"}, work_pool_name="mill"), "parameters.rows: 'many' is not"),
    (
        loads.to_deployment("x", parameters={"row": 1}, work_pool_name="mill"),
        "parameters.row: the flow has no",
    ),
    (loads.to_deployment("x", job_variables={"cpu": "two"}, work_pool_name="mill"), "work_pool.job_variables: "),
]


@pytest.mark.parametrize(("wrong", "reason"), WRONG)
def test_nothing_is_made_when_one_is_wrong(
    recorded: SyncHeadraceClient, pool: str, wrong: RunnerDeployment, reason: str
) -> None:
    with pytest.raises(DeploymentError) as raised:
        deploy(loads.to_deployment("right", work_pool_name=pool), wrong)
    assert f"deployment loads/x: {reason}" in str(raised.value)
    assert recorded.read_deployments() == []


def test_what_is_as_described_is_left_alone(recorded: SyncHeadraceClient, pool: str) -> None:
    def described(**options: Any) -> RunnerDeployment:
        trigger = {"type": "event", "expect": ["order.shipped"], "parameters": {"table": "{{ event.resource.id }}"}}
        common: dict[str, Any] = {"interval": 60, "tags": ["a"], "concurrency_limit": 2, "triggers": [trigger]}
        return loads.to_deployment("nightly", **({"work_pool_name": pool} | common | options))

    assert apply_to(recorded, described()).change is Change.MADE
    before = recorded.read_deployment_by_name("loads/nightly")
    (automation,) = recorded.read_automations()
    again = apply_to(recorded, described())
    assert (again.change, again.fields) == (Change.UNCHANGED, ())
    assert recorded.read_deployment_by_name("loads/nightly").updated == before.updated
    assert [each.id for each in recorded.read_automations()] == [automation.id]
    changed = apply_to(recorded, described(tags=["b"], interval=120, triggers=None, concurrency_limit=None))
    assert (changed.change, set(changed.fields)) == (Change.CHANGED, {"tags", "schedules", "concurrency_limit"})
    assert recorded.read_automations() == []
    assert changed.deployment.id == before.id


def test_an_interval_keeps_its_anchor_unless_it_is_given_one(recorded: SyncHeadraceClient) -> None:
    anchor = datetime(2020, 1, 1, tzinfo=UTC)

    def anchored(**options: Any) -> datetime:
        kept = recorded.read_deployment(loads.to_deployment("nightly", **options).apply())
        return kept.schedules[0].schedule.anchor_date

    assert anchored(schedule=Interval(timedelta(hours=1), anchor_date=anchor)) == anchor
    assert anchored(interval=3600) == anchor
    assert anchored(interval=7200) > anchor
    other = datetime(2021, 1, 1, tzinfo=UTC)
    assert anchored(schedule=Interval(timedelta(hours=2), anchor_date=other)) == other


def test_schedules_stay_if_they_are_to_be_kept(recorded: SyncHeadraceClient) -> None:
    loads.to_deployment("nightly", cron="0 3 * * *", paused=True).apply()
    described = loads.to_deployment("nightly", description="new")
    described.keep_schedules, described.paused = True, None
    kept = apply_to(recorded, described)
    assert kept.fields == ("description",)
    assert kept.deployment.paused
    assert len(kept.deployment.schedules) == 1


def test_a_flow_is_found_by_its_module(recorded: SyncHeadraceClient) -> None:
    made = loads.to_deployment("nightly", entrypoint_type=EntrypointType.MODULE_PATH)
    assert (made.entrypoint, made.path) == ("tests.sdk.deploying.samples:loads", None)


def test_a_flow_of_a_repository_is_deployed_from_there(recorded: SyncHeadraceClient, pool: str, origin: Path) -> None:
    source = GitRepository(f"file://{origin}", branch="main")
    grinds: Flow[..., Any] = flow.from_source(source, "flows/grinding.py:grinds")
    assert grinds.fn() == "rye"
    kept = recorded.read_deployment(grinds.with_options(retries=1).deploy("daily", work_pool_name=pool))
    assert kept.entrypoint == "flows/grinding.py:grinds"
    step = {"repository": f"file://{origin}", "branch": "main"}
    assert kept.pull_steps == [{"headrace.deployments.steps.git_clone": step}]
    served = grinds.to_deployment("served")
    assert Path(served.path or "", "flows/grinding.py").is_file()


@pytest.mark.parametrize("as_source", [str, Path, lambda folder: LocalStorage(str(folder))])
def test_a_flow_of_a_folder_is_deployed_from_there(
    recorded: SyncHeadraceClient, pool: str, origin: Path, as_source: Any
) -> None:
    made = RunnerDeployment.from_storage(
        storage=as_source(origin), entrypoint="flows/grinding.py:grinds", name="daily", work_pool_name=pool
    )
    kept = recorded.read_deployment(made.apply())
    assert kept.pull_steps == [{"headrace.deployments.steps.set_working_directory": {"directory": str(origin)}}]


def test_a_url_is_a_repository(origin: Path) -> None:
    assert Flow.from_source(f"file://{origin}", "flows/grinding.py").name == "grinds"
    with pytest.raises(DefinitionError, match="There is no folder"):
        Flow.from_source("none-such", "flows/grinding.py")
    with pytest.raises(StepFailed, match="git clone"):
        Flow.from_source("file:///none-such.git", "flows/grinding.py")


def test_credentials_are_written_into_deployments_by_name_only(recorded: SyncHeadraceClient) -> None:
    token = Secret(value="t0ken")
    url = "https://example.com/mill.git"
    for credentials in (token, {"access_token": token}, {"access_token": "t0ken"}):
        with pytest.raises(DefinitionError, match="save it"):
            GitRepository(url, credentials=credentials).to_pull_step()
    token.save("mill-token")
    reference = "{{ headrace.blocks.secret.mill-token }}"
    both = {"access_token": token, "username": "m"}
    for credentials, written in ((token, reference), (both, {"access_token": reference, "username": "m"})):
        (step,) = GitRepository(url, credentials=credentials).to_pull_step().values()
        assert step == {"repository": url, "credentials": written}


@flow
def takes_anything(table: str = "t", **others: int) -> None:
    """Load whatever is given."""


def test_a_flow_that_takes_anything_is_given_anything(recorded: SyncHeadraceClient, pool: str) -> None:
    assert takes_anything.deploy("x", work_pool_name=pool, parameters={"other": 1})
    with pytest.raises(DeploymentError, match="table"):
        takes_anything.deploy("x", work_pool_name=pool, parameters={"table": 1})


def test_a_deployment_is_made_of_an_entrypoint(origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(origin)
    made = RunnerDeployment.from_entrypoint("flows/grinding.py:grinds", "daily", cron="@daily")
    assert (made.full_name, made.entrypoint) == ("grinds/daily", "flows/grinding.py:grinds")
