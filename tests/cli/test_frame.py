"""What holds for every command: help without loading what it tells of, one clear line for a failure, the exit codes."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.cli.overview import COMMANDS
from tests.cli.conftest import Command

UNREACHABLE = "http://127.0.0.1:9/api"


def test_help_names_every_command(headrace: Command) -> None:
    answer = headrace("--help")
    assert answer.returncode == 0
    assert all(command in answer.stdout for command in COMMANDS)


def test_a_command_loads_neither_the_others_nor_the_server() -> None:
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, headrace.cli.app as cli; cli.run(['--version']); print(sorted(sys.modules), file=sys.stderr)",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    modules = set(ast.literal_eval(loaded))
    assert not {name for name in modules if name.startswith(("headrace.server", "headrace.client", "headrace.sdk"))}
    assert not modules & {"sqlalchemy", "starlette", "urllib3", "uvicorn", "headrace.cli.flow_runs"}


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(headrace: Command, command: str) -> None:
    answer = headrace(command, "--help")
    assert answer.returncode == 0
    assert answer.stdout.startswith(f"Usage: headrace {command}")
    assert not answer.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["flow-rn"], 'Did you mean "flow-run"?'),
        (["flow-run", "ls", "--limt", "3"], "Did you mean --limit?"),
        (["flow-run", "ls", "--limit", "many"], 'unable to convert "many" into int'),
        (["flow-run", "ls", "-o", "yaml"], 'Choose from: "table", "json", "id"'),
        (["flow-run", "ls", "--since", "yesterday"], "'yesterday' is not a length of time"),
        (["flow-run", "inspect", "abc"], "'abc' is not the id of a flow run; headrace flow-run ls shows ids."),
        (["flow-run", "delete"], "No flow run named"),
        (["flow-run", "logs", "0199d3a0-5c1b-7000-8000-000000000000", "--level", "loud"], "'loud' is not a level"),
        (["flow-run", "logs", "abc", "--head", "1", "--tail", "1"], "--head and --tail contradict each other"),
        (["dev", "missing.py"], "There is no file missing.py"),
        (["config", "set", "HEADRACE_API_URL"], "write it as NAME=VALUE"),
        (["config", "set"], "Nothing to set"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(headrace: Command, arguments: list[str], said: str) -> None:
    answer = headrace(*arguments, HEADRACE_API_URL=UNREACHABLE)
    assert answer.returncode == 2, answer.stderr
    assert answer.stdout == ""
    (line,) = answer.stderr.splitlines()
    assert line.startswith("headrace: ")
    assert said in line


def test_an_api_that_is_away_is_one_line_with_its_url(headrace: Command) -> None:
    answer = headrace("flow-run", "ls", HEADRACE_API_URL=UNREACHABLE, HEADRACE_API_MAX_RETRIES="0")
    assert answer.returncode == 1
    (line,) = answer.stderr.splitlines()
    assert UNREACHABLE in line


def test_debugging_adds_the_traceback(headrace: Command) -> None:
    answer = headrace("flow-run", "inspect", "abc", HEADRACE_DEBUG="1")
    assert answer.returncode == 2
    assert "Traceback" in answer.stderr
    assert answer.stderr.splitlines()[-1].startswith("headrace: 'abc' is not the id")


def test_the_version_is_the_installed_one(headrace: Command) -> None:
    from importlib.metadata import version

    assert headrace("--version").stdout == f"{version('headrace')}\n"
    assert f"headrace  {version('headrace')}" in headrace("version").stdout


def test_the_module_is_the_command(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "headrace", "--version"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert answer.stdout.strip().count(".") == 2


def test_commands_answer_to_other_words_too(headrace: Command) -> None:
    assert headrace("events", "--help").stdout == headrace("event", "--help").stdout
    for arguments in (["--profile", "default", "events", "ls"], ["--profile=default", "events", "ls"]):
        assert headrace(*arguments).returncode == 0


def test_an_argument_too_many_is_told_with_what_the_command_takes(headrace: Command) -> None:
    answer = headrace("flow", "ls", "nightly")
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1)
    assert answer.stderr == (
        "headrace: 'nightly' is more than headrace flow ls takes; headrace flow ls --help shows what it takes.\n"
    )
