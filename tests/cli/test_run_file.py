"""What `headrace dev` runs of a file."""

import subprocess
import sys
from pathlib import Path

import pytest

from headrace.cli.run_file import runs_itself
from tests.processes import clean_environ


@pytest.mark.parametrize(
    ("source", "itself"),
    [
        ('if __name__ == "__main__":\n    go()', True),
        ('if "__main__" == __name__:\n    go()', True),
        ("def go():\n    if __name__ == '__main__': pass", False),
        ('print("if __name__ == main")', False),
    ],
)
def test_a_script_is_what_asks_for_its_own_name(source: str, itself: bool) -> None:
    assert runs_itself(source) is itself


def run_file(tmp_path: Path, source: str) -> "subprocess.CompletedProcess[str]":
    file = tmp_path / "work.py"
    file.write_text(source)
    return subprocess.run(
        [sys.executable, "-m", "headrace.cli.run_file", str(file)],
        env=clean_environ(tmp_path) | {"HEADRACE_LOGGING_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
    )


def test_a_script_runs_as_it_is(tmp_path: Path) -> None:
    answer = run_file(tmp_path, 'import sys\nif __name__ == "__main__":\n    print("ran", sys.argv)\n')
    assert answer.stdout == f"ran ['{tmp_path}/work.py']\n"


def test_flows_without_needs_are_called_and_the_others_named(tmp_path: Path) -> None:
    source = """
import asyncio
from headrace import flow

@flow
def plain(times: int = 2):
    print("plain", times)

@flow
async def awaited():
    print("awaited")

@flow
def needy(amount: int):
    print("never")
"""
    answer = run_file(tmp_path, source)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines() == ["plain 2", "awaited"]
    assert "the flow 'needy' needs amount" in answer.stderr


def test_a_failing_flow_is_exit_code_1_and_the_next_one_still_runs(tmp_path: Path) -> None:
    source = """
from headrace import flow

@flow
def broken():
    raise ValueError("dry")

@flow
def whole():
    print("whole")
"""
    answer = run_file(tmp_path, source)
    assert answer.returncode == 1
    assert answer.stdout == "whole\n"


def test_a_file_without_a_flow_says_so(tmp_path: Path) -> None:
    answer = run_file(tmp_path, "x = 1\n")
    assert answer.returncode == 1
    assert "work.py defines no flow" in answer.stderr
