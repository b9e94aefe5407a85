"""Work pools and their queues, from the command line against a real server."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from headrace.client.orchestration import SyncHeadraceClient
from headrace.wire.work_pools import WorkPoolCreate
from tests.cli.conftest import Command


@pytest.fixture
def pool() -> str:
    """A name that no other test uses."""
    return f"pool-{uuid4()}"


@pytest.fixture
def made(api: SyncHeadraceClient, pool: str) -> str:
    api.create_work_pool(WorkPoolCreate(name=pool, type="process"))
    return pool


def test_a_pool_is_made_with_the_template_of_its_type(served: Command, api: SyncHeadraceClient, pool: str) -> None:
    answer = served("work-pool", "create", pool, "--concurrency-limit", "3", "-d", "by the river", "--paused")
    kept = api.read_work_pool(pool)
    assert answer.stdout.strip() == str(kept.id)
    assert answer.stderr.endswith(f"Start a worker: headrace worker start --pool {pool}\n")
    assert (kept.type, kept.concurrency_limit, kept.description, kept.is_paused) == ("process", 3, "by the river", True)
    template = json.loads(served("work-pool", "get-default-base-job-template").stdout)
    assert kept.base_job_template == template
    again = served("work-pool", "create", pool)
    assert (again.returncode, "--overwrite" in again.stderr) == (1, True)
    assert served("work-pool", "create", pool, "--overwrite").returncode == 0
    assert api.read_work_pool(pool).concurrency_limit is None


def test_a_pool_takes_a_template_of_ones_own(
    served: Command, api: SyncHeadraceClient, pool: str, tmp_path: Path
) -> None:
    assert served("work-pool", "get-default-base-job-template", "-t", "docker", "-f", "template.json").returncode == 0
    template = json.loads((tmp_path / "template.json").read_text())
    template["variables"]["properties"]["image"]["default"] = "mill:1"
    (tmp_path / "template.json").write_text(json.dumps(template))
    options = ("--type", "docker", "--base-job-template", "template.json")
    assert served("work-pool", "create", pool, *options).returncode == 0
    assert api.read_work_pool(pool).base_job_template == template


def test_pools_are_listed_and_inspected(served: Command, api: SyncHeadraceClient, made: str) -> None:
    api.send_worker_heartbeat(made, "miller", 30)
    rows = served("work-pool", "ls", "--type", "process").stdout.splitlines()
    assert rows[0].split() == ["ID", "NAME", "TYPE", "STATUS", "LIMIT", "CHANGED"]
    assert any(made in row and "ready" in row for row in rows)
    shown = served("work-pool", "inspect", made).stdout
    assert "queues\n  1. default\nworkers\n  miller, online, heard " in shown
    assert json.loads(served("work-pool", "inspect", made, "-o", "json").stdout)["name"] == made


def test_pools_are_paused_limited_changed_and_deleted(served: Command, api: SyncHeadraceClient, made: str) -> None:
    assert served("work-pool", "pause", made).stderr == f"Work pool {made} is paused.\n"
    assert api.read_work_pool(made).is_paused
    assert served("work-pool", "resume", made).returncode == 0
    assert served("work-pool", "set-concurrency-limit", made, "4").returncode == 0
    assert api.read_work_pool(made).concurrency_limit == 4
    assert "0 of 4 taken" in served("work-pool", "ls").stdout
    assert served("work-pool", "clear-concurrency-limit", made).returncode == 0
    assert api.read_work_pool(made).concurrency_limit is None
    assert served("work-pool", "update", made, "-d", "new", "--concurrency-limit", "2").returncode == 0
    kept = api.read_work_pool(made)
    assert (kept.description, kept.concurrency_limit, kept.is_paused) == ("new", 2, False)
    assert served("work-pool", "delete", made, "--yes").returncode == 0
    assert served("work-pool", "inspect", made).returncode == 1


def test_queues_are_made_listed_changed_and_deleted(served: Command, api: SyncHeadraceClient, made: str) -> None:
    in_pool = ("--pool", made)
    answer = served("work-queue", "create", "urgent", *in_pool, "--priority", "1", "-l", "2", "-d", "first")
    assert answer.stderr == f"Work queue urgent is made in the work pool {made}, with the priority 1.\n"
    rows = served("work-queue", "ls", *in_pool).stdout.splitlines()
    assert [row.split()[1] for row in rows] == ["NAME", "urgent", "default"]
    assert "0 of 2 taken" in served("work-queue", "inspect", "urgent", *in_pool).stdout
    assert served("work-queue", "pause", "urgent", *in_pool).returncode == 0
    assert api.read_work_queue_by_name("urgent", made).is_paused
    assert served("work-queue", "resume", "urgent", *in_pool).returncode == 0
    assert served("work-queue", "set-concurrency-limit", "urgent", "5", *in_pool).returncode == 0
    assert api.read_work_queue_by_name("urgent", made).concurrency_limit == 5
    assert served("work-queue", "clear-concurrency-limit", "urgent", *in_pool).returncode == 0
    kept = api.read_work_queue_by_name("urgent", made)
    assert (kept.concurrency_limit, kept.is_paused, kept.description) == (None, False, "first")
    assert served("work-queue", "delete", "urgent", *in_pool, "-y").returncode == 0
    assert [queue.name for queue in api.read_work_queues(made)] == ["default"]


def test_what_waits_is_previewed_and_that_is_no_poll(served: Command, api: SyncHeadraceClient, made: str) -> None:
    api.create_work_queue("urgent", work_pool_name=made)
    flow_id = api.create_flow_from_name(made)
    deployment = api.create_deployment(flow_id, "nightly", work_pool_name=made, work_queue_name="urgent")
    run = api.create_flow_run_from_deployment(deployment)
    assert served("work-pool", "preview", made, "-o", "id").stdout.strip() == str(run.id)
    assert served("work-queue", "preview", "urgent", "-p", made, "-o", "id").stdout.strip() == str(run.id)
    assert run.name in served("work-pool", "preview", made).stdout
    assert "is due within 1h" in served("work-queue", "preview", "default", "-p", made).stderr
    assert api.read_work_queue_by_name("urgent", made).last_polled is None


WRONG: list[tuple[list[str], int, str]] = [
    (["work-pool", "create", "x", "--type", "none"], 2, "it is one of"),
    (["work-pool", "create", "x", "--base-job-template", "none.json"], 1, "none.json cannot be read"),
    (["work-pool", "create", "prefect-pool"], 1, "reserved"),
    (["work-pool", "inspect", "none"], 1, "headrace work-pool ls"),
    (["work-pool", "pause"], 2, "No work pool named"),
    (["work-pool", "pause", "none"], 1, "There is no work pool none"),
    (["work-pool", "update", "none"], 2, "Nothing to change"),
    (["work-pool", "set-concurrency-limit", "none", "-1"], 2, "-1"),
    (["work-pool", "preview", "none"], 1, "There is no work pool none"),
    (["work-pool", "preview", "none", "--within", "soon"], 2, "--within 'soon'"),
    (["work-queue", "create", "x", "--pool", "none"], 1, "There is no work pool none"),
    (["work-queue", "create", "x"], 2, "--pool"),
    (["work-queue", "ls", "--pool", "none"], 1, "There is no work pool none"),
    (["work-queue", "pause", "none", "--pool", "none"], 1, "headrace work-queue ls --pool none"),
    (["work-queue", "pause", "--pool", "none"], 2, "No work queue named"),
]


@pytest.mark.parametrize(("arguments", "code", "reason"), WRONG, ids=[" ".join(each[0]) for each in WRONG])
def test_what_is_wrong_is_told_in_one_line(served: Command, arguments: list[str], code: int, reason: str) -> None:
    answer = served(*arguments)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (code, 1), answer.stderr
    assert reason in answer.stderr
