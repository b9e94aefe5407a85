"""Ids: UUID version 7 (RFC 9562), so that sorting by id is sorting by time of making."""

import os
import time
from uuid import UUID

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62
_last = 0


def uuid7() -> UUID:
    """A new time-ordered id.

    48 bits of Unix milliseconds, 12 bits of sub-millisecond fraction, 62 random bits. Ids made
    one after the other in one thread sort in that order, even within a clock tick.
    """
    global _last
    ticks = time.time_ns() * 4096 // 1_000_000
    if ticks <= _last:
        ticks = _last + 1
    _last = ticks
    random = int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=(ticks >> 12) << 80 | _VERSION_7 | (ticks & 0xFFF) << 64 | _VARIANT | random)
