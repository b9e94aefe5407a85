"""Steps: run in order, seeing what came before, and failing with their number, name and output."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.client.orchestration import SyncHeadraceClient
from headrace.sdk.pulling import prepare
from headrace.sdk.references import resolve
from headrace.sdk.steps.finding import read_step
from headrace.sdk.steps.running import run_steps
from headrace.sdk.system_blocks import Secret
from headrace.variables import Variable
from headrace.wire.deploying_errors import DeploymentError, StepFailed, UnknownReference
from headrace.wire.deployments import Deployment
from headrace.wire.ids import uuid7
from tests.sdk.steps.repositories import repository

OURS = "headrace.deployments.steps"
PEERS = "prefect.deployments.steps"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def custom(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module of a user's own steps."""
    (here / "mill_steps.py").write_text(
        "def grind(grain, *, fine=False):\n    return {'flour': f'{grain} flour', 'fine': fine}\n"
        "async def sift(flour):\n    return {'sifted': flour}\n"
        "def breaks():\n    raise ValueError('the wheel is stuck')\n"
    )
    monkeypatch.syspath_prepend(str(here))
    yield
    sys.modules.pop("mill_steps", None)


@pytest.mark.parametrize(
    "name",
    ["run_shell_script", f"{OURS}.run_shell_script", f"{PEERS}.run_shell_script", f"{PEERS}.utility.run_shell_script"],
)
def test_our_steps_have_several_names(name: str) -> None:
    assert run_steps([{name: {"id": "say", "script": "echo hello"}}])["say"] == {"stdout": "hello", "stderr": ""}


@pytest.mark.usefixtures("custom")
def test_steps_see_what_those_before_them_gave() -> None:
    outputs = run_steps(
        [
            {"mill_steps.grind": {"id": "grinding", "grain": "rye", "fine": True}},
            {"mill_steps.sift": {"flour": "{{ grinding.flour }}"}},
            {"run_shell_script": {"id": "say", "script": "echo '{{ sifted }} {{ grinding.fine }}'"}},
        ]
    )
    assert outputs["say"]["stdout"] == "rye flour True"


FAILING: list[tuple[Any, str]] = [
    (
        {"run_shell_script": {"script": "echo before\nls /none-such"}},
        "The pull step 2 of 2, run_shell_script, failed: the command `ls /none-such` exited with code",
    ),
    ({"run_shell_script": {"script": "none-such-command"}}, "cannot be run: No such file"),
    ({"run_shell_script": {"scrip": "x"}}, "it does not take what it is given: missing a required argument: 'script'"),
    ({"mill_steps.breaks": {}}, "step 2 of 2, breaks, failed: ValueError: the wheel is stuck"),
    ({"mill_steps.none": {}}, "mill_steps has no function none"),
    ({"no_mill.grind": None}, "no_mill cannot be imported"),
    ({"grind": None}, "there is no step grind: it is one of git_clone"),
    ({f"{PEERS}.none": None}, "there is no step prefect.deployments.steps.none"),
    ({"a": {}, "b": {}}, "a step is one name with its arguments"),
    ("run_shell_script", "a step is one name with its arguments"),
    (
        {"run_shell_script": {"script": "{{ say.nothing }}"}},
        "refers to say.nothing, which the step say did not give; it gave stdout, stderr",
    ),
    ({"run_shell_script": {"script": "{{ $NONE_SUCH }}"}}, "the environment has no variable NONE_SUCH"),
    ({"set_working_directory": {"directory": "none"}}, "there is no folder"),
    ({"pip_install_requirements": {}}, "there is no file"),
]


@pytest.mark.usefixtures("custom")
@pytest.mark.parametrize(("step", "reason"), FAILING)
def test_a_step_that_fails_says_which_and_why(step: Any, reason: str) -> None:
    with pytest.raises(StepFailed) as raised:
        run_steps([{"run_shell_script": {"id": "say", "script": "echo hello"}}, step])
    assert reason in str(raised.value)
    assert str(raised.value).startswith("The pull step 2 of 2")


def test_each_step_is_told_of() -> None:
    told: list[str] = []
    run_steps([{"run_shell_script": {"script": "true"}}] * 2, "build", tell=told.append)
    assert [line.partition(" took")[0] for line in told] == [
        "The build step 1 of 2, run_shell_script,",
        "The build step 2 of 2, run_shell_script,",
    ]


def test_a_failed_command_repeats_what_it_said() -> None:
    script = "bash -c 'echo one; echo two >&2; exit 7'"
    with pytest.raises(StepFailed, match=r"exited with code 7: one\ntwo"):
        run_steps([{"run_shell_script": {"script": script, "stream_output": False}}])


def test_a_script_is_shown_as_it_runs_unless_it_is_not_wanted(capfd: pytest.CaptureFixture[str]) -> None:
    run_steps([{"run_shell_script": {"script": "echo shown"}}])
    run_steps([{"run_shell_script": {"script": "echo hidden", "stream_output": False}}])
    assert capfd.readouterr().out == "shown\n"


def test_a_script_has_a_folder_and_an_environment(here: Path) -> None:
    (here / "inner").mkdir()
    script = "pwd # where we are\n\nprintenv GRAIN\necho \\\n  joined"
    found = run_steps([{"run_shell_script": {"script": script, "directory": "inner", "env": {"GRAIN": "rye"}}}])
    assert found["stdout"] == f"{here / 'inner'}\nrye\njoined"


def test_variables_in_a_script_are_left_unless_they_are_to_be_expanded() -> None:
    step = {"script": "echo $GRAIN ${GRAIN}s $NONE_SUCH", "env": {"GRAIN": "rye"}}
    assert run_steps([{"run_shell_script": step}])["stdout"] == "$GRAIN ${GRAIN}s $NONE_SUCH"
    expanded = run_steps([{"run_shell_script": step | {"expand_env_vars": True}}])
    assert expanded["stdout"] == "rye ryes $NONE_SUCH"


def test_requirements_are_installed_into_this_environment(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "requirements.txt").touch()
    assert "stdout" in run_steps([{"pip_install_requirements": {"requirements_file": "requirements.txt"}}])


def test_a_variable_a_block_and_the_environment_are_filled_in(
    recorded: SyncHeadraceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    Variable.set("region", {"name": "eu", "zones": ["a", "b"]})
    Secret(value="s3cret").save("token")
    monkeypatch.setenv("STAGE", "test")
    for owner in ("headrace", "prefect"):
        assert resolve(f"{{{{ {owner}.variables.region.zones[1] }}}}") == "b"
        assert resolve(f"{{{{ {owner}.variables.region }}}}") == {"name": "eu", "zones": ["a", "b"]}
        assert resolve([f"{{{{ {owner}.blocks.secret.token }}}}"]) == ["s3cret"]
        assert resolve(f"{{{{ {owner}.blocks.secret.token.value }}}}") == "s3cret"
    assert resolve("{{ $STAGE }}-{{ event.name }}") == "test-{{ event.name }}"


UNKNOWN = [
    ("{{ prefect.variables.none }}", "there is no variable none"),
    ("{{ prefect.blocks.secret.none }}", "there is no block secret/none"),
    ("{{ prefect.blocks.secret }}", "named by its type and its name"),
    ("{{ $NONE_SUCH }}", "no variable NONE_SUCH"),
]


@pytest.mark.parametrize(("text", "reason"), UNKNOWN)
def test_what_is_not_there_is_named(recorded: SyncHeadraceClient, text: str, reason: str) -> None:
    with pytest.raises(UnknownReference) as raised:
        resolve(text)
    assert reason in str(raised.value)


def deployment(**values: Any) -> Deployment:
    return Deployment(id=uuid7(), name="nightly", flow_id=uuid7(), **values)


def test_code_is_where_the_pull_steps_lead(tmp_path: Path, here: Path) -> None:
    origin = repository(tmp_path / "origin" / "mill")
    clone = {f"{PEERS}.git_clone": {"repository": f"file://{origin}", "branch": "main"}}
    assert prepare(deployment(pull_steps=[clone])) == here / "mill-main" == Path.cwd()


def test_code_is_where_the_deployment_says(tmp_path: Path, here: Path) -> None:
    (tmp_path / "code").mkdir()
    assert prepare(deployment(path=str(tmp_path / "code"))) == tmp_path / "code" == Path.cwd()
    assert prepare(deployment()) == Path.cwd()
    steps = [{"set_working_directory": {"directory": str(here)}}]
    assert prepare(deployment(path=str(tmp_path), pull_steps=steps)) == here
    with pytest.raises(StepFailed, match="this machine has no such folder"):
        prepare(deployment(path=str(tmp_path / "none")))


def test_the_id_and_the_requirements_of_a_step_are_no_arguments() -> None:
    step = read_step({"a.b": {"id": "x", "requires": "mill>=1", "c": 1}})
    assert (step.id, step.requires, step.arguments, step.short_name) == ("x", ("mill>=1",), {"c": 1}, "b")
    with pytest.raises(DeploymentError):
        read_step({"a.b": ["c"]})
