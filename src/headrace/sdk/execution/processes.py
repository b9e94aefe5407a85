"""One process that executes a flow run: started in a session of its own, its output read line by line.

The process holds the reading end of its own output and a lifeline to whoever started it. If the starter is killed, the
lifeline breaks, and the process reads its output itself instead of failing at its next `print` (`execution.orphans`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from headrace.sdk.execution import groups
from headrace.sdk.execution.exits import Exit
from headrace.sdk.execution.orphans import LIFELINE, OUTPUT_END
from headrace.sdk.logs import LOGGED, MARKED

_LONGEST_LINE = 64 * 1024
_REMEMBERED = 50
_SECONDS_TO_DRAIN = 1.0
"""How long output is still read once the process has ended: what it leaves behind may hold the pipe open for good."""

Line = Callable[[str], None]


class RunProcess:
    """A process that was started for a flow run. `rest` is what it wrote last that is not in the run's logs."""

    def __init__(self, process: asyncio.subprocess.Process, output: int, lifeline: int, tell: Line) -> None:
        self._process, self._lifeline = process, lifeline
        self._reading = asyncio.create_task(_read_lines(output, self._take))
        self._tell = tell
        self._kept: deque[str] = deque(maxlen=_REMEMBERED)

    @property
    def pid(self) -> int:
        """Its id, which is that of its group too."""
        return self._process.pid

    @property
    def rest(self) -> list[str]:
        return list(self._kept)

    async def wait(self) -> Exit:
        """How it ended, once it has, and everything it wrote was told."""
        code = await self._process.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._reading, _SECONDS_TO_DRAIN)
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        return Exit(code)

    async def ended(self) -> None:
        """Wait until the process has ended, but for nothing else."""
        await self._process.wait()

    def terminate(self) -> None:
        """Ask the whole group to end."""
        groups.signal_group(self.pid, signal.SIGTERM)

    def _take(self, line: str) -> None:
        if line.startswith(LOGGED):
            line = line[len(LOGGED) :]
        else:
            self._kept.append(line)
        self._tell(line)


async def start(command: Sequence[str], environment: Mapping[str, str], folder: Path | None, tell: Line) -> RunProcess:
    """Start a process; each line that it writes is told. Raises `OSError` if it cannot be started."""
    reading, writing = os.pipe()
    theirs, ours = os.pipe()
    posix = os.name == "posix"
    passed = {OUTPUT_END: str(reading), LIFELINE: str(theirs), MARKED: "1"} if posix else {}
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            env={**environment, **passed},
            cwd=folder,
            start_new_session=posix,
            pass_fds=(reading, theirs) if posix else (),
        )
    except BaseException:
        os.close(reading)
        os.close(ours)
        raise
    finally:
        os.close(writing)
        os.close(theirs)
    return RunProcess(process, reading, ours, tell)


def own_command(module: str) -> list[str]:
    """The command that runs a module of ours with this interpreter."""
    return [sys.executable, "-m", module]


async def _read_lines(descriptor: int, take: Line) -> None:
    """Take each line until everybody who could write has ended. A line that is too long comes in pieces."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_LONGEST_LINE)
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
    )
    rest = b""
    try:
        while chunk := await reader.read(_LONGEST_LINE):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                lines.append(rest)
                rest = b""
            for line in lines:
                take(line.decode(errors="replace").rstrip("\r"))
        if rest:
            take(rest.decode(errors="replace"))
    finally:
        transport.close()
