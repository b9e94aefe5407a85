"""The processes of runs: what they write is heard, what they start is found, and all of it can be ended."""

import asyncio
import os
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from headrace.sdk.execution import groups
from headrace.sdk.execution.processes import start
from headrace.sdk.logs import LOGGED
from tests.serving import is_alive

MARK = "HEADRACE__TEST_OF_PROCESSES"


async def test_output_comes_line_by_line_and_what_was_not_logged_is_remembered(tmp_path: Path) -> None:
    lines: list[str] = []
    code = f"import sys; print({LOGGED + 'logged'!r}); print('plain'); sys.stderr.write('unended'); sys.exit(3)"
    process = await start([sys.executable, "-u", "-c", code], os.environ, tmp_path, lines.append)
    exit = await process.wait()
    assert exit.code == 3
    assert lines == ["logged", "plain", "unended"]
    assert process.rest == ["plain", "unended"]


async def test_a_line_without_end_comes_in_pieces_and_a_flood_is_no_problem(tmp_path: Path) -> None:
    lines: list[str] = []
    process = await start([sys.executable, "-c", "print('x' * 1_000_000)"], os.environ, tmp_path, lines.append)
    await process.wait()
    assert "".join(lines) == "x" * 1_000_000


async def test_a_process_that_is_left_behind_does_not_keep_its_parent_from_having_ended(tmp_path: Path) -> None:
    value = uuid4().hex
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
    process = await start([sys.executable, "-c", code], {**os.environ, MARK: value}, tmp_path, lambda _: None)
    async with asyncio.timeout(20):
        assert (await process.wait()).code == 0
    assert groups.group_is_alive(process.pid)
    assert await groups.kill_until_gone(process.pid, MARK, value, 10)
    assert not groups.group_is_alive(process.pid)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to find processes by their environment")
async def test_what_left_the_group_is_found_by_what_it_inherited(tmp_path: Path) -> None:
    value = uuid4().hex
    code = (
        "import subprocess, sys; "
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True); "
        "print(p.pid, flush=True)"
    )
    lines: list[str] = []
    process = await start([sys.executable, "-c", code], {**os.environ, MARK: value}, tmp_path, lines.append)
    await process.wait()
    stray = int(lines[0])
    assert groups.marked(MARK, value) == [stray]
    assert groups.marked(MARK, "another") == []
    assert await groups.kill_until_gone(process.pid, MARK, value, 10)
    assert not is_alive(stray)


async def test_a_command_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await start(["no-such-mill"], os.environ, tmp_path, lambda _: None)
