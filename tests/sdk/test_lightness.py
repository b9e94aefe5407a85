"""What a flow that is run imports: no more of the client than recording takes, and no model library."""

import subprocess
import sys
from pathlib import Path

from tests.processes import clean_environ

HEAVY = {
    "headrace.client._async.client",
    "headrace.client._sync.client",
    "headrace.sdk.artifacts",
    "headrace.sdk.blocks",
    "headrace.sdk.pauses",
    "headrace.sdk.slots",
    "pydantic",
}
SCRIPT = f"""
import sys
from headrace import flow, task

@task
def inner():
    return 1

@flow
def outer():
    return inner()

outer()
print(*sorted(set(sys.modules) & {HEAVY!r}))
"""


def test_a_run_loads_only_what_recording_takes(home: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    ended = subprocess.run(
        [sys.executable, script], env=clean_environ(home), capture_output=True, text=True, timeout=100
    )
    assert (ended.returncode, ended.stdout.strip()) == (0, ""), ended.stderr
