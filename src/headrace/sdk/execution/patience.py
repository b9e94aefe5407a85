"""Asking an API that may be away: a server that restarts must cost nothing but time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from headrace.wire.errors import InternalError, ServiceUnavailable

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
AWAY = (ServiceUnavailable, InternalError)
"""What an API answers, or does not, while it comes and goes."""

T = TypeVar("T")


async def patiently(ask: Callable[[], Awaitable[T]], seconds: float) -> T:
    """What the API answers, asked again for so many seconds while it is away. Then raises what it raised last."""
    deadline = time.monotonic() + seconds
    delay = FIRST_PAUSE
    while True:
        try:
            return await ask()
        except AWAY:
            if time.monotonic() + delay > deadline:
                raise
        await asyncio.sleep(delay)
        delay = min(delay * 2, LONGEST_PAUSE)
