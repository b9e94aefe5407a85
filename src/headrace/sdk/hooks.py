"""Calling users' hooks: what they raise is logged and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headrace.sdk.drivers import Driver
from headrace.sdk.logs import RunLogger


async def call(driver: Driver, hooks: Sequence[Callable[..., Any]], log: RunLogger, *args: Any) -> None:
    """Call each hook with the flow or task, its run and the state that it entered."""
    for hook in hooks:
        name = getattr(hook, "__name__", repr(hook))
        try:
            await driver.run_hook(hook, *args)
        except Exception:
            log.exception("Hook %r failed; the run goes on.", name)
        else:
            log.debug("Hook %r was called.", name)
