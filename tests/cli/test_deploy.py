"""Deploying what a file or the options describe, against a real server."""

import json
import os
import pty
import shutil
import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import yaml

from headrace.client.orchestration import SyncHeadraceClient
from headrace.wire.work_pools import WorkPoolCreate
from tests.cli.conftest import Command
from tests.processes import HEADRACE, ServerProcess, clean_environ
from tests.sdk.steps.repositories import commit, repository

EXAMPLE = Path(__file__).parents[2] / "examples" / "deployments"
FLOWS = """
from headrace import flow

@flow
def grinds(grain: str = "rye"):
    return grain

@flow
def sifts(flour: str = "fine"):
    return flour
"""


MILLING = """
from headrace import flow
from grains import GRAIN

@flow
def mills():
    print(GRAIN)
"""


@pytest.fixture(scope="module")
def api(api: SyncHeadraceClient) -> SyncHeadraceClient:
    """With a work pool."""
    api.create_work_pool(WorkPoolCreate(name="mill", type="process"))
    return api


@pytest.fixture(autouse=True)
def flows(tmp_path: Path, api: SyncHeadraceClient) -> Path:
    """The flows of a project in the folder where commands run."""
    (tmp_path / "flows.py").write_text(FLOWS)
    return tmp_path


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"d-{uuid4()}"


def entry(name: str, **keys: Any) -> dict[str, Any]:
    return {"name": name, "entrypoint": "flows.py:grinds", "work_pool": {"name": "mill"}} | keys


def write(folder: Path, *entries: dict[str, Any], file: str = "headrace.yaml", **keys: Any) -> None:
    (folder / file).write_text(yaml.safe_dump({"deployments": list(entries)} | keys))


def ids(answer: "subprocess.CompletedProcess[str]") -> list[UUID]:
    assert answer.returncode == 0, answer.stderr
    return [UUID(line) for line in answer.stdout.split()]


def test_a_flow_is_deployed_by_its_entrypoint_alone(served: Command, api: SyncHeadraceClient, name: str) -> None:
    options = ["--pool", "mill", "--cron", "0 3 * * *", "--timezone", "Europe/Vienna", "--interval", "90m"]
    more = ["--param", "grain=spelt", "-t", "a", "-t", "b", "--version", "9", "-d", "at night", "-jv", "cpu=2"]
    limit = ["--concurrency-limit", "2", "--concurrency-limit-collision-strategy", "cancel_new"]
    answer = served("deploy", "flows.py:grinds", "-n", name, *options, *more, *limit)
    (id_,) = ids(answer)
    kept = api.read_deployment(id_)
    assert (kept.parameters, kept.tags, kept.version) == ({"grain": "spelt"}, ["a", "b"], "9")
    assert (kept.description, kept.job_variables, kept.work_pool_name) == ("at night", {"cpu": 2}, "mill")
    assert kept.global_concurrency_limit is not None
    assert answer.stderr.splitlines() == [
        f"Deployment grinds/{name} is made in the work pool mill: "
        "runs by cron 0 3 * * * (Europe/Vienna) and every 90 minutes (Europe/Vienna).",
        f"Run it now: headrace deployment run grinds/{name}",
        "No worker of the work pool mill is online; start one: headrace worker start --pool mill",
    ]


def test_a_trigger_is_given_as_json_or_as_a_file(
    served: Command, api: SyncHeadraceClient, flows: Path, name: str
) -> None:
    (flows / "triggers.yaml").write_text("triggers: [{expect: [grain.came]}]")
    given = ["--trigger", '{"type": "event", "expect": ["grain.went"]}', "--trigger", "triggers.yaml"]
    (id_,) = ids(served("deploy", "flows.py:grinds", "-n", name, "-p", "mill", *given))
    automations = api.read_resource_related_automations(f"prefect.deployment.{id_}")
    assert sorted(next(iter(each.trigger.expect)) for each in automations) == ["grain.came", "grain.went"]


def test_all_of_a_file_is_deployed_and_then_left_alone(
    served: Command, api: SyncHeadraceClient, flows: Path, name: str
) -> None:
    second = entry(f"{name}-2", entrypoint="flows.py:sifts", schedules=[{"interval": 60}])
    write(flows, entry(f"{name}-1"), second)
    first = served("deploy", "--all")
    assert len(ids(first)) == 2
    again = served("deploy", "--all", "-o", "json")
    assert [each["change"] for each in json.loads(again.stdout)] == ["unchanged", "unchanged"]
    write(flows, entry(f"{name}-1"), second | {"tags": ["new"]})
    changed = served("deploy", "--all")
    assert ids(changed) == ids(first)
    assert f"Deployment grinds/{name}-1 is unchanged" in changed.stderr
    assert f"Deployment sifts/{name}-2 is changed (tags)" in changed.stderr


def test_one_or_some_of_a_file_are_chosen(served: Command, flows: Path, name: str) -> None:
    write(
        flows, entry(f"{name}-a"), entry(f"{name}-b"), entry("other", entrypoint="flows.py:sifts"), file="prefect.yaml"
    )
    assert len(ids(served("deploy", "-n", f"{name}-a"))) == 1
    assert len(ids(served("deploy", "-n", f"{name}-*"))) == 2
    assert len(ids(served("deploy", "-n", "grinds/*"))) == 2
    assert len(ids(served("deploy", "-n", "sifts/*", "-n", f"*/{name}-a"))) == 2
    assert len(ids(served("deploy", "-n", f"grinds/{name}-b"))) == 1


BEGUN = """
name: mill
prefect-version: 3.8.8
build: null
push: null
pull:
- prefect.deployments.steps.set_working_directory:
    directory: /mill
deployments:
- name: null
  version: null
  tags: []
  description: null
  schedule: {}
  flow_name: null
  entrypoint: null
  parameters: {}
  work_pool:
    name: mill
    work_queue_name: null
    job_variables: {}
"""


def test_a_file_as_the_peer_begins_it_is_the_ground_of_new_deployments(
    served: Command, api: SyncHeadraceClient, flows: Path, name: str
) -> None:
    (flows / "prefect.yaml").write_text(BEGUN)
    (id_,) = ids(served("deploy", "flows.py:grinds", "-n", name, "--cron", "0 3 * * *"))
    kept = api.read_deployment(id_)
    assert (kept.work_pool_name, kept.name, len(kept.schedules)) == ("mill", name, 1)
    assert kept.pull_steps == [{"prefect.deployments.steps.set_working_directory": {"directory": "/mill"}}]
    assert ids(served("deploy", "flows.py:grinds", "-n", name)) == [id_]
    assert len(api.read_deployment(id_).schedules) == 1, "an empty schedule says nothing"
    blank = served("deploy")
    assert (blank.returncode, "deployment number 1: name: it is missing" in blank.stderr) == (1, True)


def test_the_options_go_over_the_file(served: Command, api: SyncHeadraceClient, flows: Path, name: str) -> None:
    write(flows, entry(name, tags=["file"], parameters={"grain": "oat"}, work_pool={"name": "none"}))
    (id_,) = ids(served("deploy", "--pool", "mill", "--tag", "option"))
    kept = api.read_deployment(id_)
    assert (kept.tags, kept.parameters, kept.work_pool_name) == (["option"], {"grain": "oat"}, "mill")


def test_steps_run_first_and_their_outputs_are_filled_in(
    served: Command, api: SyncHeadraceClient, flows: Path, name: str
) -> None:
    build = [{"run_shell_script": {"id": "build", "script": "bash -c 'echo ran >> ran.txt; echo v7'"}}]
    push = [{"prefect.deployments.steps.run_shell_script": {"id": "push", "script": "echo {{ build.stdout }}-pushed"}}]
    filled = {
        "version": "{{ build.stdout }}",
        "pull": [{"set_working_directory": {"directory": "/code/{{ build.stdout }}/{{ $AT_RUN }}"}}],
        "work_pool": {"name": "mill", "job_variables": {"image": "mill:{{ push.stdout }}"}},
    }
    write(flows, entry(f"{name}-1", **filled), entry(f"{name}-2", **filled), build=build, push=push)
    for id_ in ids(served("deploy", "--all")):
        kept = api.read_deployment(id_)
        assert (kept.version, kept.job_variables) == ("v7", {"image": "mill:v7-pushed"})
        assert kept.pull_steps == [{"set_working_directory": {"directory": "/code/v7/{{ $AT_RUN }}"}}]
    assert (flows / "ran.txt").read_text() == "ran\n", "what deployments share is built once"


def test_nothing_is_written_when_anything_is_wrong(
    served: Command, api: SyncHeadraceClient, flows: Path, name: str
) -> None:
    build = [{"run_shell_script": {"script": "touch built"}}]
    wrong = entry(f"{name}-2", schedules=[{"cron": "never"}], parameters={"grain": 1})
    write(flows, entry(f"{name}-1"), wrong, build=build)
    answer = served("deploy", "--all")
    assert (answer.returncode, answer.stdout) == (1, "")
    lines = answer.stderr.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"headrace: headrace.yaml: deployment {name}-2: schedules[0].cron: ")
    assert lines[1].startswith(f"headrace: headrace.yaml: deployment {name}-2: parameters.grain: 1 is not of type")
    assert lines[2] == "headrace: 2 mistakes, which the lines above name. Nothing is deployed."
    assert not (flows / "built").exists()
    assert not any(each.name.startswith(name) for each in api.read_deployments())


WRONG: list[tuple[list[str], dict[str, Any] | None, int, str]] = [
    ([], None, 2, "Say which flow to deploy"),
    (["flows.py:grinds"], None, 2, "--name"),
    (["flows.py:grinds", "-n", "x"], None, 1, "the command line: deployment x: work_pool: no work pool is named"),
    (["flows.py:grinds", "-n", "x", "-p", "none"], None, 1, "headrace work-pool create none --type process"),
    (["flows.py:mills", "-n", "x", "-p", "mill"], None, 1, "flows there: grinds, sifts"),
    (["flows.py:grinds", "-n", "a*", "-p", "mill"], None, 2, "no name for a deployment"),
    (["--all"], None, 1, "describes no deployment"),
    (["--file", "none.yaml"], None, 1, "There is no file none.yaml"),
    (["-n", "none"], {}, 1, "describes no deployment none; it describes a, b"),
    ([], {}, 2, "describes a, b: say which with --name, or --all"),
    (["--all", "-n", "a"], {}, 2, "--all"),
    (["--all", "--tag", "x"], {}, 2, "2 deployments cannot have the same tags"),
    (["-n", "a", "--timezone", "Europe/Vienna"], {}, 2, "--timezone belongs to a schedule"),
    (["-n", "a", "--interval", "often"], {}, 2, "--interval 'often' is not a length of time"),
    (["-n", "a", "--param", "grain"], {}, 2, "--param grain gives no value"),
    (["-n", "a", "--params", "[]"], {}, 2, "--params is no JSON object"),
    (["-n", "a", "--trigger", "none"], {}, 2, "neither JSON nor a file"),
    (["-n", "a"], {"build": [{"run_shell_script": {"script": "false"}}]}, 1, "The build step 1 of 1, run_shell_script"),
]


@pytest.mark.parametrize(("arguments", "keys", "code", "reason"), WRONG, ids=[" ".join(each[0]) for each in WRONG])
def test_what_is_wrong_is_told_in_one_line(
    served: Command, flows: Path, arguments: list[str], keys: dict[str, Any] | None, code: int, reason: str
) -> None:
    if keys is not None:
        write(flows, entry("a"), entry("b"), **keys)
    answer = served("deploy", *arguments)
    assert (answer.returncode, answer.stdout, len(answer.stderr.splitlines())) == (code, "", 1), answer.stderr
    assert reason in answer.stderr


def at_a_terminal(server: ServerProcess, home: Path, answers: str, *arguments: str) -> str:
    """What the command says at a terminal where somebody gives these answers."""
    ours, theirs = pty.openpty()
    environ = clean_environ(home) | {"HEADRACE_API_URL": server.api_url}
    with subprocess.Popen(
        [HEADRACE, *arguments], env=environ, cwd=home, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs
    ):
        os.close(theirs)
        os.write(ours, answers.encode())
        said = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:
                break
            if not part:
                break
            said += part
    os.close(ours)
    return said.decode()


def test_at_a_terminal_what_is_missing_is_asked_for(server: ServerProcess, flows: Path, name: str) -> None:
    said = at_a_terminal(server, flows, f"flows.py:sifts\n{name}\n", "deploy")
    assert f"Deployment sifts/{name} is made in the work pool mill" in said
    write(flows, entry("a"), entry("b"))
    said = at_a_terminal(server, flows, "2\n", "deploy")
    assert "Deployment grinds/b is made" in said
    assert "say which with --name" in at_a_terminal(server, flows, "", "deploy", "--no-prompt")


def test_the_example_is_deployed(served: Command, api: SyncHeadraceClient, flows: Path) -> None:
    shutil.copytree(EXAMPLE, flows / "example", ignore=shutil.ignore_patterns("__pycache__"))
    answer = served("deploy", "--file", "example/headrace.yaml", "--all")
    assert len(ids(answer)) == 3
    assert ids(served("deploy", "--file", "example/headrace.yaml", "--all")) == ids(answer)
    nightly = api.read_deployment_by_name("grind/nightly")
    assert [each.slug for each in nightly.schedules if each.active] == ["nights"]
    assert nightly.version == "none"


def test_a_file_is_begun_with_the_flows_that_are_there(served: Command, flows: Path, api: SyncHeadraceClient) -> None:
    (flows / "inner").mkdir()
    (flows / "inner" / "more.py").write_text("import headrace\n@headrace.flow(name='x')\ndef bakes_bread(): ...\n")
    (flows / "broken.py").write_text("def (")
    answer = served("init", "--pool", "mill")
    assert answer.stderr == "headrace.yaml describes 3 flows. Fill it in, then: headrace deploy --all\n"
    begun = yaml.safe_load((flows / "headrace.yaml").read_text())["deployments"]
    assert [(each["name"], each["entrypoint"]) for each in begun] == [
        ("grinds", "flows.py:grinds"),
        ("sifts", "flows.py:sifts"),
        ("bakes-bread", "inner/more.py:bakes_bread"),
    ]
    assert len(ids(served("deploy", "--all"))) == 3
    again = served("init")
    assert (again.returncode, "--force" in again.stderr) == (1, True)
    for file in flows.rglob("*.py"):
        file.unlink()
    assert served("init", "--force").returncode == 0
    assert yaml.safe_load((flows / "headrace.yaml").read_text())["deployments"] == []


def test_a_run_brings_its_code_from_the_repository(
    served: Command, api: SyncHeadraceClient, flows: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """From the file to the result: cloned, installed, loaded by its entrypoint and executed somewhere else."""
    origin = repository(tmp_path_factory.mktemp("origin") / "mill")
    (origin / "requirements.txt").touch()
    (origin / "grains.py").write_text("GRAIN = 'from the repository'\n")
    commit(origin, "flows/milling.py", MILLING)
    pull = [
        {"prefect.deployments.steps.git_clone": {"id": "clone", "repository": f"file://{origin}", "branch": "main"}},
        {"pip_install_requirements": {"directory": "{{ clone.directory }}"}},
        {"run_shell_script": {"script": "ls grains.py", "directory": "{{ clone.directory }}"}},
    ]
    (flows / "flows").mkdir()
    (flows / "flows/milling.py").write_text("from headrace import flow\n\n@flow\ndef mills(): ...\n")
    write(flows, entry("cloned", entrypoint="flows/milling.py:mills", pull=pull))
    assert len(ids(served("deploy"))) == 1
    shutil.rmtree(flows / "flows")
    run_id = served("deployment", "run", "mills/cloned").stdout.strip()
    executed = served("flow-run", "execute", run_id)
    run = api.read_flow_run(UUID(run_id))
    assert run.state_name == "Completed", executed.stdout + executed.stderr + str(run.state)
    assert "from the repository" in executed.stdout
    logged = served("flow-run", "logs", run_id).stdout
    assert "The pull step 1 of 3, git_clone, took " in logged


def test_a_run_whose_code_cannot_be_had_crashes_and_says_why(
    served: Command, api: SyncHeadraceClient, flows: Path
) -> None:
    write(flows, entry("broken", pull=[{"run_shell_script": {"script": "ls /none-such"}}]))
    assert len(ids(served("deploy"))) == 1
    run_id = served("deployment", "run", "grinds/broken").stdout.strip()
    served("flow-run", "execute", run_id)
    state = api.read_flow_run(UUID(run_id)).state
    assert state is not None
    assert (state.name, "pull step 1 of 1, run_shell_script, failed" in (state.message or "")) == ("Crashed", True)
