"""What a flow's own process pays: import, a flow call, a task call, a submit, a whole script; and the command."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.servers import PEER, clean_environ

HERE = Path(__file__).parent
_PYTHON = {"headrace": sys.executable, "prefect": str(PEER / "python")}
# Prefect starts a server for such a script, and gives up where that takes over 20 s.
_PATIENT = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180", "DO_NOT_TRACK": "1"}
_PREFIX = {"headrace": "HEADRACE", "prefect": "PREFECT"}


def probe(product: str, url: str) -> dict[str, float]:
    """Milliseconds of import, flow, task and submit against the server at `url`."""
    with tempfile.TemporaryDirectory() as home:
        environ = clean_environ() | {f"{_PREFIX[product]}_API_URL": url, f"{_PREFIX[product]}_HOME": home}
        answer = subprocess.run(
            [_PYTHON[product], str(HERE / "sdk_probe.py"), product],
            env=environ, capture_output=True, text=True, check=True,
        )  # fmt: skip
    return json.loads(answer.stdout.splitlines()[-1])


def import_ms(product: str, repeats: int = 5) -> float:
    """The best of some fresh processes, the interpreter's own start taken off."""
    return max(0.0, _best(product, "flow", repeats) - _best(product, None, repeats))


def _best(product: str, name: str | None, repeats: int) -> float:
    code = "pass" if name is None else f"from {product} import flow, task"
    return min(_timed([_PYTHON[product], "-c", code], clean_environ()) for _ in range(repeats))


def help_ms(product: str, repeats: int = 5) -> float:
    """The best of some times that a person waits for the command to tell what it can do."""
    command = [str(Path(_PYTHON[product]).parent / product), "--help"]
    return min(_timed(command, clean_environ()) for _ in range(repeats))


def hello_ms(product: str) -> float:
    """A whole `python hello_flow.py` with nothing configured, in an empty home; the second run's time.

    The first run makes the database; the second is what a user pays every day.
    """
    with tempfile.TemporaryDirectory() as home:
        environ = clean_environ() | {f"{_PREFIX[product]}_HOME": home} | _PATIENT
        command = [_PYTHON[product], str(HERE / "hello_flow.py"), product]
        return [_timed(command, environ) for _ in range(2)][1]


def _timed(command: list[str], environ: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=environ, capture_output=True, check=True)
    return (time.perf_counter() - started) * 1e3
