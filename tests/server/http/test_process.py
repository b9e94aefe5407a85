"""The server as a process: start, announcement, drain, and what the network may do to it."""

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.processes import clean_environ, free_port

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 60.0


@dataclass
class Process:
    home: Path
    process: subprocess.Popen[str]
    port: int = 0

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
        connection = self.connection()
        try:
            connection.request(method, f"/api{path}", body)
            response = connection.getresponse()
            content = response.read()
            return response.status, json.loads(content) if content else None
        finally:
            connection.close()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    @property
    def announcement(self) -> Path:
        return self.home / "server.json"

    def errors(self) -> str:
        return (self.home / "stderr.txt").read_text()


StartProcess = Callable[..., Process]


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; fails when it does not come."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def launcher(home: Path) -> Iterator[StartProcess]:
    """Start server processes in a home, ended with the block. `drain` is in seconds."""
    with ExitStack() as stack:

        def start(drain: int = 30, port: int = 0, **variables: str) -> Process:
            settings = {f"HEADRACE_{name}": value for name, value in variables.items()}
            environ = clean_environ(home) | {"HEADRACE_SERVER_API_PORT": str(port)} | settings
            errors = stack.enter_context((home / "stderr.txt").open("w"))
            command = [sys.executable, "-m", "tests.server.http.serve_example", str(drain)]
            process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=errors, text=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            return Process(home, process)

        yield start


def serving(server: Process) -> Process:
    """Wait until the process says where it serves."""
    assert server.process.stdout is not None
    line = server.process.stdout.readline()
    assert line.startswith("headrace serves http://127.0.0.1:"), server.errors()
    server.port = int(line.removesuffix("/api\n").rpartition(":")[2])
    return server


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[StartProcess]:
    """Start a server process in the test's home, whether it comes to serve or not."""
    with launcher(tmp_path) as start:
        yield start


@pytest.fixture
def serve(launch: StartProcess) -> StartProcess:
    """Start a server process and wait until it serves."""
    return lambda **options: serving(launch(**options))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """One server for the tests that leave it as it was."""
    with launcher(tmp_path_factory.mktemp("home")) as start:
        yield serving(start(SERVER_API_MAX_BODY_BYTES="65536"))


class TestLife:
    def test_it_says_where_it_is_for_as_long_as_it_is_there(self, serve: StartProcess) -> None:
        server = serve()
        said = json.loads(server.announcement.read_text())
        assert said["pid"] == server.process.pid
        assert said["url"] == f"http://127.0.0.1:{server.port}/api"
        assert said["database"] == f"sqlite:///{server.home / 'headrace.db'}"
        assert stat.S_IMODE(server.announcement.stat().st_mode) == 0o600
        assert server.ask("GET", "/ready") == (200, {"message": "OK"})
        assert server.stop() == 0
        assert not server.announcement.exists()
        assert server.errors() == ""

    def test_ctrl_c_ends_it_as_well(self, serve: StartProcess) -> None:
        server = serve()
        assert server.stop(signal.SIGINT) == 0
        assert not server.announcement.exists()

    def test_it_leaves_the_announcement_of_another_server_alone(self, serve: StartProcess) -> None:
        server = serve()
        other = {"pid": os.getpid(), "url": "http://127.0.0.1:1/api", "database": "x", "started": ""}
        server.announcement.write_text(json.dumps(other))
        assert server.stop() == 0
        assert json.loads(server.announcement.read_text()) == other

    def test_it_is_small_when_idle(self, serve: StartProcess) -> None:
        server = serve()
        assert server.ask("POST", "/flow_runs/filter", b'{"flow_runs":{"tags":{"all_":["a"]}}}') == (200, [])
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        kilobytes = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
        assert kilobytes < 110 * 1024


class TestRefusalToStart:
    def refused(self, server: Process) -> str:
        """The one line that a server which does not start leaves behind."""
        assert server.process.wait(PATIENCE_SECONDS) == 1
        assert server.process.stdout is not None
        assert server.process.stdout.read() == ""
        (line,) = server.errors().splitlines()
        return line

    def test_a_taken_port_is_said_in_one_line(self, launch: StartProcess) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            line = self.refused(launch(port=port))
        assert line.startswith(f"headrace: Port {port} of 127.0.0.1 is taken by another process.")

    def test_a_host_that_is_not_ours_is_said_in_one_line(self, launch: StartProcess) -> None:
        line = self.refused(launch(port=free_port(), SERVER_API_HOST="192.0.2.1"))
        assert line.startswith("headrace: Cannot listen on 192.0.2.1")

    def test_a_file_that_is_no_database_is_said_in_one_line(self, launch: StartProcess, tmp_path: Path) -> None:
        (tmp_path / "headrace.db").write_bytes(b"a shopping list\n" * 100)
        assert str(tmp_path / "headrace.db") in self.refused(launch())
        assert not (tmp_path / "server.json").exists()

    def test_a_bad_setting_is_said_in_one_line(self, launch: StartProcess) -> None:
        assert "HEADRACE_SERVER_API_PORT" in self.refused(launch(SERVER_API_PORT="many"))


class TestDrain:
    CLIENTS = 16

    def waiting(self, server: Process) -> "list[Client]":
        """Clients whose requests are in flight; each keeps what it was answered as `answered`."""
        threads = [Client(server) for _ in range(self.CLIENTS)]
        for thread in threads:
            thread.start()
        until(lambda: server.ask("GET", "/mills/waiting")[1] == self.CLIENTS)
        return threads

    def test_requests_in_flight_are_answered_and_new_ones_are_not(self, serve: StartProcess) -> None:
        server = serve()
        threads = self.waiting(server)
        idle = server.connection()
        idle.connect()
        server.ask("POST", "/mills/gate?seconds=1.0")
        server.process.terminate()
        until(lambda: not accepts(server.port))
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        assert [thread.answered for thread in threads] == [(200, "through")] * self.CLIENTS
        assert server.process.wait(PATIENCE_SECONDS) == 0
        idle.close()

    def test_a_request_that_does_not_end_is_cut_off_and_may_be_sent_again(self, serve: StartProcess) -> None:
        server = serve(drain=1)
        threads = self.waiting(server)
        assert server.stop() == 0
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        assert [thread.answered and thread.answered[0] for thread in threads] == [503] * self.CLIENTS
        assert not server.announcement.exists()


class Client(threading.Thread):
    def __init__(self, server: Process) -> None:
        super().__init__(daemon=True)
        self.server = server
        self.answered: tuple[int, Any] | None = None

    def run(self) -> None:
        self.answered = self.server.ask("GET", "/mills/gate")


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS).close()
    except OSError:
        return False
    return True


class TestNetwork:
    def test_malformed_json_is_refused_and_the_connection_goes_on(self, server: Process) -> None:
        connection = server.connection()
        for _ in range(2):
            connection.request("POST", "/api/flows/", b'{"name": ')
            response = connection.getresponse()
            assert response.status == 422
            assert json.loads(response.read())["exception_detail"][0]["type"] == "json_invalid"
        connection.close()

    def test_what_is_not_http_is_refused(self, server: Process) -> None:
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as raw:
            raw.sendall(b"nonsense\r\n\r\n")
            assert raw.recv(100).startswith(b"HTTP/1.1 400")
        assert server.ask("GET", "/health") == (200, True)

    def test_an_endless_chunked_body_is_refused_while_it_is_sent(self, server: Process) -> None:
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as raw:
            raw.sendall(b"POST /api/flows/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
            for _ in range(8):
                raw.sendall(chunk)
            assert raw.recv(100).startswith(b"HTTP/1.1 413")

    def test_a_declared_body_over_the_limit_is_refused_before_it_is_sent(self, server: Process) -> None:
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as raw:
            raw.sendall(
                b"POST /api/flows/ HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 65537\r\n\r\n"
            )
            assert raw.recv(100).startswith(b"HTTP/1.1 413")

    def test_slow_clients_hold_nobody_up(self, server: Process) -> None:
        with ExitStack() as stack:
            for _ in range(50):
                slow = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS))
                slow.sendall(b"POST /api/flows/ HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n" + b'{"name"')
            assert server.ask("GET", "/health") == (200, True)
            slow.sendall(b':"slow"}')
            assert slow.recv(100).startswith(b"HTTP/1.1 201")
        assert server.ask("POST", "/flows/count", b"{}") == (200, 1)

    def test_pipelined_requests_are_answered_in_order(self, server: Process) -> None:
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as raw:
            raw.sendall(b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\nGET /api/version HTTP/1.0\r\nHost: x\r\n\r\n")
            answer = b""
            while piece := raw.recv(4096):
                answer += piece
        assert answer.index(b"true") < answer.index(b'"0.8.4"')


class TestLog:
    def test_a_crash_is_one_line_of_json_under_the_id_that_the_client_was_told(self, serve: StartProcess) -> None:
        server = serve()
        connection = server.connection()
        connection.request("GET", "/api/mills/broken")
        response = connection.getresponse()
        assert response.status == 500
        connection.close()
        server.stop()
        (line,) = server.errors().splitlines()
        entry = json.loads(line)
        assert entry["request_id"] == response.headers["X-Request-Id"]
        assert (entry["event"], entry["level"], entry["path"]) == ("request_crashed", "error", "/mills/broken")
        assert "the wheel is stuck" in entry["exception"]

    def test_it_can_be_text_for_people(self, serve: StartProcess) -> None:
        server = serve(LOGGING_SERVER_FORMAT="console")
        assert server.ask("GET", "/mills/broken")[0] == 500
        server.stop()
        assert "request_crashed" in server.errors()
        assert not server.errors().startswith("{")


class TestEvents:
    def test_what_a_pong_has_confirmed_survives_kill_9(self, serve: StartProcess) -> None:
        server = serve()
        ids = [uuid4() for _ in range(20)]
        with connect(f"ws://127.0.0.1:{server.port}/api/events/in", subprotocols=[Subprotocol("prefect")]) as socket:
            socket.send('{"type":"auth","token":null}')
            assert json.loads(socket.recv()) == {"type": "auth_success"}
            for task_run_id in ids:
                socket.send(completed(task_run_id))
            assert socket.ping().wait(PATIENCE_SECONDS)
            server.process.kill()
            server.process.wait(PATIENCE_SECONDS)
        again = serve()
        for task_run_id in ids:
            status, task_run = again.ask("GET", f"/task_runs/{task_run_id}")
            assert (status, task_run["state_type"]) == (200, "COMPLETED")


def completed(task_run_id: UUID) -> str:
    """The event by which a client reports that a task run has completed (contract §7)."""
    state = {"type": "COMPLETED", "name": "Completed", "message": None, "state_details": {}, "data": None}
    task_run = {"name": "grind", "task_key": "grind", "dynamic_key": str(task_run_id), "run_count": 1}
    event = {
        "id": str(uuid4()),
        "occurred": "2026-01-02T03:04:05Z",
        "event": "prefect.task-run.Completed",
        "resource": {
            "prefect.resource.id": f"prefect.task-run.{task_run_id}",
            "prefect.resource.name": "grind",
            "prefect.state-type": "COMPLETED",
            "prefect.state-name": "Completed",
            "prefect.state-timestamp": "2026-01-02T03:04:05Z",
            "prefect.orchestration": "client",
        },
        "related": [],
        "payload": {
            "intended": {"from": "RUNNING", "to": "COMPLETED"},
            "initial_state": {"type": "RUNNING", "name": "Running"},
            "validated_state": state,
            "task_run": task_run,
        },
    }
    return json.dumps(event)
