"""`headrace dev`: a real process, a real file that is saved again, real runs."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headrace.settings.announcement import read
from tests.cli.conftest import ended
from tests.processes import HEADRACE, clean_environ

SOURCE = """
from headrace import flow

@flow
def river(level: int = {level}):
    print("level", level)
    return level
"""


class Dev:
    """The command at work on `river.py`; what it prints is gathered as it comes."""

    def __init__(self, home: Path) -> None:
        self.home, self.file = home, home / "flows" / "river.py"
        self.file.parent.mkdir()
        self.save(1)
        self.process = subprocess.Popen(
            [HEADRACE, "dev", str(self.file)],
            # Without PYTHONUNBUFFERED: the flow's own lines come whole, whoever else writes to the same pipe.
            env=clean_environ(home) | {"HEADRACE_SERVER_API_PORT": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = ""
        self._reader = threading.Thread(target=self._gather)
        self._reader.start()

    def save(self, level: int) -> None:
        self.file.write_text(SOURCE.format(level=level))

    def wait_for(self, condition: Callable[[str], bool], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not condition(self.output):
            assert time.monotonic() < deadline, self.output
            assert self.process.poll() is None, self.output
            time.sleep(0.02)

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        code = self.process.wait(30)
        self._reader.join()
        return code

    def _gather(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
        self.process.stdout.close()


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    running = Dev(tmp_path)
    yield running
    if running.process.poll() is None:
        running.end(signal.SIGTERM)


def test_a_file_runs_runs_again_when_saved_and_each_run_is_told(dev: Dev) -> None:
    dev.wait_for(lambda output: "level 1" in output and output.count(": Completed after") == 1)
    dev.save(2)
    dev.wait_for(lambda output: "level 2" in output and output.count(": Completed after") == 2)
    assert "river.py runs again: river.py changed." in dev.output
    assert "● river / " in dev.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_clean_with_the_server_it_started(dev: Dev, number: int) -> None:
    dev.wait_for(lambda output: ": Completed after" in output)
    server = read(dev.home / "server.json")
    assert server is not None
    assert dev.end(number) == 0
    assert "Traceback" not in dev.output
    assert not (dev.home / "server.json").exists()
    assert ended(server.pid)
