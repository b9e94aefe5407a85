"""`headrace task`: serving tasks from the command line, and seeing who does."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.processes import HEADRACE, ServerProcess, clean_environ, stop

TASKS = """
from headrace import task

@task
def grind(grain):
    return f"{grain} flour"

@task
def spill(): ...

@task
def dawdle():
    import time
    print("dawdling", flush=True)
    time.sleep(600)

if __name__ == "__main__":
    print(grind.delay("rye").result(timeout=60))
"""


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    file = tmp_path / "tasks.py"
    file.write_text(TASKS)
    return file


@contextmanager
def serving_tasks(home: Path, server: ServerProcess, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [HEADRACE, "task", "serve", *arguments],
        env=clean_environ(home) | {"HEADRACE_API_URL": server.api_url},
        cwd=home,
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        stop(process)  # pyright: ignore[reportArgumentType]
        assert process.stdout is not None
        process.stdout.close()


def wait_for(process: "subprocess.Popen[str]", words: str) -> str:
    """The first line with these words."""
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"it ended before it said {words!r}")


def test_a_file_of_tasks_is_served_until_it_is_told_to_stop(
    server: ServerProcess, served: Command, tasks: Path, tmp_path: Path
) -> None:
    with serving_tasks(tmp_path, server, "tasks.py", "--limit", "2") as worker:
        assert "grind, spill, dawdle, 2 at once" in wait_for(worker, "Waiting for runs of")
        listed = json.loads(served("task", "workers", "-o", "json").stdout)
        assert [one["identifier"].endswith(f"-{worker.pid}") for one in listed] == [True]
        assert "grind" in served("task", "workers").stdout
        environ = clean_environ(tmp_path) | {"HEADRACE_API_URL": server.api_url}
        done = subprocess.run([sys.executable, str(tasks)], env=environ, capture_output=True, text=True, timeout=60)
        assert done.stdout == "rye flour\n", done.stderr
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
    assert "No task worker is connected" in served("task", "workers").stderr


def test_the_second_request_to_stop_crashes_what_is_under_way(
    server: ServerProcess, served: Command, tasks: Path, tmp_path: Path
) -> None:
    code = "import tasks; print(tasks.dawdle.delay().task_run_id)"
    environ = clean_environ(tmp_path) | {"HEADRACE_API_URL": server.api_url, "PYTHONPATH": str(tmp_path)}
    made = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=60)
    assert "dawdle-" in served("task", "queue").stdout
    (line,) = json.loads(served("task", "queue", "-o", "json").stdout)
    assert (line["waiting"], line["task_key"].startswith("dawdle-")) == (1, True)
    with serving_tasks(tmp_path, server, "tasks.py:dawdle") as worker:
        wait_for(worker, "dawdling")
        assert "Nothing is queued" in served("task", "queue").stderr
        worker.send_signal(signal.SIGINT)
        wait_for(worker, "Stopping: 1 runs come to their end first")
        worker.send_signal(signal.SIGINT)
        assert worker.wait(30) == 0
    found = served("task-run", "inspect", made.stdout.strip(), "-o", "json")
    assert json.loads(found.stdout)["state_name"] == "Crashed", made.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Name the tasks to serve"),
        (("tasks.py:nothing",), "names nothing, which is not there; tasks there: grind, spill, dawdle"),
        (("nowhere.py",), "there is no file"),
        (("tasks.py", "--limit", "-1"), "The limit is -1"),
        (("-m", "json"), "defines no task"),
    ],
)
def test_what_cannot_be_served_is_told_in_a_line(
    served: Command, tasks: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = served("task", "serve", *arguments)
    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
