"""`concurrency` and `rate_limit`, for plain code and for async code."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Generator, Iterable

from headrace.sdk import slot_events
from headrace.sdk.dispatch import SUSPENDING
from headrace.sdk.drivers import Blocking, Driver, complete
from headrace.sdk.event_types import Event
from headrace.sdk.leases import Lease
from headrace.sdk.slots import LEASE_SECONDS, Waiting, hold, names_of, pass_rate
from headrace.wire.concurrency import LeaseHolder


@contextlib.contextmanager
def concurrency(
    names: str | Iterable[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    max_retries: int | None = None,
    lease_duration: float = LEASE_SECONDS,
    strict: bool = False,
    holder: LeaseHolder | None = None,
) -> Generator[None]:
    """Hold slots of concurrency limits while the block runs, waiting until there are enough.

    The slots are leased for `lease_duration` seconds (60 to 86,400) and the lease is renewed meanwhile, so that a
    process that dies gives them back. Names without a limit limit nothing, unless `strict`. Raises `SlotsTimeout`
    after `timeout_seconds`, and `SlotsNotAcquired` after `max_retries` tries and for wishes that cannot be granted.

    >>> with concurrency("database", occupy=2):
    ...     query()
    """
    lease = complete(_held(Blocking(), names, occupy, timeout_seconds, max_retries, lease_duration, strict, holder))
    taken: list[Event | None] = []
    try:
        taken = slot_events.acquired(lease.limits, occupy) if lease is not None else []
        yield
    finally:
        if lease is not None:
            lease.release()
            slot_events.released(lease, taken)


@contextlib.asynccontextmanager
async def aconcurrency(
    names: str | Iterable[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    max_retries: int | None = None,
    lease_duration: float = LEASE_SECONDS,
    strict: bool = False,
    holder: LeaseHolder | None = None,
) -> AsyncGenerator[None]:
    """`concurrency` for async code.

    >>> async with concurrency("database"):
    ...     await query()
    """
    lease = await _held(SUSPENDING, names, occupy, timeout_seconds, max_retries, lease_duration, strict, holder)
    taken: list[Event | None] = []
    try:
        taken = slot_events.acquired(lease.limits, occupy) if lease is not None else []
        yield
    finally:
        if lease is not None:
            await _released(lease)
            slot_events.released(lease, taken)


def rate_limit(
    names: str | Iterable[str], occupy: int = 1, timeout_seconds: float | None = None, strict: bool = False
) -> None:
    """Wait until the rate of the limits lets this go on. The limits need a `slot_decay_per_second`.

    >>> for page in pages:
    ...     rate_limit("some-api")
    ...     fetch(page)
    """
    limits = complete(pass_rate(Blocking(), names_of(names), occupy, Waiting(timeout_seconds), strict))
    slot_events.acquired(limits, occupy)


async def arate_limit(
    names: str | Iterable[str], occupy: int = 1, timeout_seconds: float | None = None, strict: bool = False
) -> None:
    """`rate_limit` for async code."""
    limits = await pass_rate(SUSPENDING, names_of(names), occupy, Waiting(timeout_seconds), strict)
    slot_events.acquired(limits, occupy)


async def _held(
    driver: Driver,
    names: str | Iterable[str],
    occupy: int,
    timeout_seconds: float | None,
    max_retries: int | None,
    lease_duration: float,
    strict: bool,
    holder: LeaseHolder | None,
) -> Lease | None:
    waiting = Waiting(timeout_seconds, max_retries)
    return await hold(
        driver, names_of(names), occupy, waiting, holder=holder, lease_duration=lease_duration, strict=strict
    )


async def _released(lease: Lease) -> None:
    """Give slots back also where the block was cancelled: the request is sent to its end by its thread."""
    import asyncio

    await asyncio.shield(asyncio.to_thread(lease.release))
