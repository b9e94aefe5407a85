"""Starting, stopping and asking after a server: each as a real process, ended by its own id."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headrace.settings.announcement import read
from tests.cli.conftest import Command, ended
from tests.processes import HEADRACE, ServerProcess, clean_environ, serving


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.02)


@pytest.fixture
def background(headrace: Command, tmp_path: Path) -> Iterator[int]:
    """A server started with `--background`; gives its process id."""
    answer = headrace("server", "start", "--background", "--port", "0")
    assert answer.returncode == 0, answer.stderr
    said = read(tmp_path / "server.json")
    assert said is not None
    yield said.pid
    headrace("server", "stop")


def test_background_returns_once_the_server_answers(background: int, headrace: Command, tmp_path: Path) -> None:
    said = read(tmp_path / "server.json")
    assert said is not None
    with urllib.request.urlopen(f"{said.url}/health", timeout=5) as answer:
        assert answer.status == 200
    status = headrace("server", "status", "-o", "json")
    assert status.returncode == 0
    assert json.loads(status.stdout) == {
        "api": said.url,
        "health": "answers",
        "database": f"sqlite:///{tmp_path}/headrace.db",
        "process": str(background),
    }


def test_stop_ends_the_process_and_removes_its_file(background: int, headrace: Command, tmp_path: Path) -> None:
    answer = headrace("server", "stop")
    assert answer.returncode == 0
    assert ended(background)
    assert not (tmp_path / "server.json").exists()


def test_without_a_server_stop_and_status_say_how_to_start_one(headrace: Command) -> None:
    for command in ("stop", "status"):
        answer = headrace("server", command)
        assert answer.returncode == 1
        assert "headrace server start starts one" in answer.stderr


def test_a_file_left_by_a_killed_server_counts_for_nothing(background: int, headrace: Command, tmp_path: Path) -> None:
    os.kill(background, signal.SIGKILL)
    wait_for(lambda: ended(background))
    assert (tmp_path / "server.json").exists()
    assert headrace("server", "status").returncode == 1
    assert headrace("server", "start", "--background", "--port", "0").returncode == 0


def test_stop_leaves_a_process_alone_that_was_given_a_dead_servers_id(headrace: Command, tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        left = {"pid": stranger.pid, "url": "http://127.0.0.1:9/api", "database": "sqlite:////x", "started": ""}
        (tmp_path / "server.json").write_text(json.dumps(left))
        assert headrace("server", "stop").returncode == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_second_server_on_the_same_file_is_refused(background: int, headrace: Command) -> None:
    answer = headrace("server", "start", "--port", "0")
    assert answer.returncode == 1
    (line,) = answer.stderr.splitlines()
    assert "already" in line
    assert str(background) in line


@pytest.mark.parametrize("how", [["--background"], []])
def test_a_taken_port_is_one_line_that_names_it(headrace: Command, how: list[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = headrace("server", "start", "--port", port, *how)
    assert answer.returncode == 1
    (line,) = answer.stderr.splitlines()
    assert f"Port {port} of 127.0.0.1 is taken" in line


def test_a_file_that_is_no_database_is_one_line_that_names_it(headrace: Command, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database at all, but long enough to be looked at\n" * 100)
    answer = headrace("server", "start", "--port", "0", "--database-url", f"sqlite:///{tmp_path}/notes.txt")
    assert answer.returncode == 1
    (line,) = answer.stderr.splitlines()
    assert f"{tmp_path}/notes.txt" in line


def test_an_unreachable_postgresql_is_one_line_without_its_password(headrace: Command) -> None:
    url = "postgresql://me:sesame@127.0.0.1:9/x"
    answer = headrace("server", "start", "--port", "0", "--database-url", url, HEADRACE_SERVER_DATABASE_TIMEOUT="2")
    assert answer.returncode == 1
    (line,) = answer.stderr.splitlines()
    assert "127.0.0.1:9" in line
    assert "sesame" not in line


def test_the_password_of_a_database_is_on_no_command_line(
    tmp_path: Path, fresh_postgres_url: Callable[[], str]
) -> None:
    url = fresh_postgres_url()
    environ = clean_environ(tmp_path)
    begun = subprocess.run(
        [HEADRACE, "server", "start", "-b", "--port", "0", "--database-url", url],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    try:
        said = read(tmp_path / "server.json")
        assert said is not None
        assert url not in Path(f"/proc/{said.pid}/cmdline").read_bytes().decode()
        assert "PREFECT_API_URL" in begun.stdout
    finally:
        subprocess.run([HEADRACE, "server", "stop"], env=environ, capture_output=True, check=True)


def test_a_server_in_the_foreground_greets_and_ends_well_on_sigterm(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert server.api_url in server.output()
        assert f"{server.api_url.removesuffix('/api')}/docs" in server.output()
        server.process.terminate()
        assert server.process.wait(20) == 0
        assert "Traceback" not in server.output()


def test_flows_of_the_same_home_find_the_server(server: ServerProcess) -> None:
    listed = subprocess.run(
        [HEADRACE, "server", "status"], env=clean_environ(server.home), capture_output=True, text=True, check=True
    )
    assert server.api_url in listed.stdout


def test_the_first_start_says_how_to_keep_runs_for_a_while_and_no_other_does(tmp_path: Path) -> None:
    suggestion = "All runs are kept for ever until you say for how long: headrace retention set flow-runs 90d"

    def shown() -> str:
        command = [HEADRACE, "server", "start", "--port", "0"]
        with subprocess.Popen(command, env=clean_environ(tmp_path), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            said = ""
            while "Ctrl-C" not in said:
                said += process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            return said + process.stdout.read()

    assert suggestion in shown()
    assert suggestion not in shown()
