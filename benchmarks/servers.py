"""The two servers under measurement, each started as its users start it, on a fresh database."""

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.ports import free_port

ROOT = Path(__file__).parent.parent
PEER = ROOT / ".peer" / "bin"
_PEER_QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}


@dataclass(frozen=True)
class Running:
    """A served API: its URL, how long it took from exec to its first healthy answer, and its process."""

    url: str
    cold_start: float
    pid: int

    def resident_mb(self) -> float:
        """Resident memory of the process and its children, in MB."""
        return sum(_resident(pid) for pid in _family(self.pid))

    def cpu_seconds(self) -> float:
        """Seconds of CPU that the process and its children have used so far."""
        return sum(_cpu_ticks(pid) for pid in _family(self.pid)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def headrace(home: Path, database_url: str | None, settings: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Our server; `settings` are further variables."""
    environ = clean_environ() | {"HEADRACE_HOME": str(home)} | dict(settings or {})
    if database_url:
        environ["HEADRACE_SERVER_DATABASE_URL"] = database_url
    command = [str(Path(sys.executable).parent / "headrace"), "server", "start"]
    with _served(command, environ) as running:
        yield running


@contextmanager
def peer(home: Path, database_url: str | None) -> Iterator[Running]:
    """Prefect's server, from its own environment (`make peer`)."""
    environ = clean_environ() | _PEER_QUIET | {"PREFECT_HOME": str(home)}
    if database_url:
        url = database_url.replace("postgresql://", "postgresql+asyncpg://", 1)
        environ["PREFECT_API_DATABASE_CONNECTION_URL"] = url
    with _served([str(PEER / "prefect"), "server", "start"], environ) as running:
        yield running


def clean_environ() -> dict[str, str]:
    """This process's environment without any setting of either product."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("HEADRACE_", "PREFECT_"))}


@contextmanager
def _served(command: list[str], environ: dict[str, str]) -> Iterator[Running]:
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)], env=environ, stdout=output, stderr=output
        )
        try:
            _until_healthy(url, process, output)
            yield Running(url, time.perf_counter() - started, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _until_healthy(url: str, process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        if process.poll() is not None:
            output.seek(0)
            printed = output.read().decode(errors="replace")[-2000:]
            raise RuntimeError(
                f"the server ended with exit code {process.returncode} before it was healthy:\n{printed}"
            )
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):
                return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("the server was not healthy within three minutes")


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in _family(int(child)))]


def _resident(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _cpu_ticks(pid: int) -> int:
    """Time in user and in kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
