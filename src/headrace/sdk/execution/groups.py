"""Process groups: ending all the processes that a flow run has started, and making sure that they have ended.

A run is executed in a session of its own, so its process group holds what it starts. On Linux those are found as well
that left the group, by a variable that they inherited.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_KILL: int = getattr(signal, "SIGKILL", signal.SIGTERM)
_TICK = 0.02


def signal_group(leader: int, number: int) -> None:
    """Send a signal to every process of a group; to its leader alone where there are no groups."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(leader, number)
        else:
            os.kill(leader, number)


async def kill_until_gone(leader: int, variable: str, value: str, seconds: float) -> bool:
    """Kill a group, and all that inherited a variable with this value, until none is left; False if some stay."""
    deadline = time.monotonic() + seconds
    while True:
        strays = marked(variable, value)
        if not strays and not group_is_alive(leader):
            return True
        signal_group(leader, _KILL)
        signal_all(strays, _KILL)
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_TICK)


def group_is_alive(leader: int) -> bool:
    """Whether any process of the group is alive. One that has ended and only waits to be read does not count."""
    if _PROC.is_dir():
        return any(True for _ in _members(leader))
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, AttributeError):
        return True
    return True


def marked(variable: str, value: str) -> list[int]:
    """The processes of this user that inherited an environment variable with this value; none where /proc is not."""
    wanted = f"{variable}={value}".encode()
    found: list[int] = []
    for pid in _pids():
        with contextlib.suppress(OSError):
            environment = (_PROC / str(pid) / "environ").read_bytes()
            if wanted in environment.split(b"\0") and _state_of(pid) not in ("Z", "X"):
                found.append(pid)
    return found


def signal_all(pids: list[int], number: int) -> None:
    """Send a signal to each process that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def kill_rest_of_own_group(variable: str, value: str) -> None:
    """Kill every other process of this process's group, if it leads one, and what inherited the variable."""
    me = os.getpid()
    rest = set(marked(variable, value))
    if hasattr(os, "getpgrp") and os.getpgrp() == me:
        rest.update(_members(me))
    signal_all(sorted(rest - {me}), _KILL)


def end_own_group(variable: str, value: str) -> None:
    """Kill this process with all that it has started."""
    kill_rest_of_own_group(variable, value)
    if hasattr(os, "getpgrp") and os.getpgrp() == os.getpid():
        signal_group(os.getpid(), _KILL)
    os.kill(os.getpid(), _KILL)


def _members(leader: int) -> Iterator[int]:
    for pid in _pids():
        fields = _stat(pid)
        if fields is not None and fields[2] == str(leader) and fields[0] not in ("Z", "X"):
            yield pid


def _pids() -> Iterator[int]:
    if _PROC.is_dir():
        yield from (int(name) for name in os.listdir(_PROC) if name.isdigit())


def _state_of(pid: int) -> str | None:
    fields = _stat(pid)
    return fields[0] if fields is not None else None


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on; the name before them may hold anything, parentheses too."""
    try:
        return (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
