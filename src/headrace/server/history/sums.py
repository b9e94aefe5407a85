"""What counted runs sum up to, as it is kept (see store/histories.py).

Sums are kept as of the beginning of a span, together with how they grow with the clock: a run that is running adds a
second of run time each second, and one that waits a second of lateness. They can so be told for any moment later.
"""

from collections.abc import Iterable, Mapping

import msgspec

from headrace.server.store.histories import SPAN, STEP
from headrace.wire.base import encode_text

MICROSECONDS_A_SPAN = int(SPAN.total_seconds()) * 1_000_000
MICROSECONDS_A_STEP = int(STEP.total_seconds()) * 1_000_000
STEPS_A_SPAN = MICROSECONDS_A_SPAN // MICROSECONDS_A_STEP

Sum = tuple[int, int, int, int, int]
"""Runs, their run time, how many of them run, their lateness, how many wait; times are microseconds."""

Sums = dict[str, Sum]
"""The sum of the runs in each state, by `state_key`."""

_decode = msgspec.json.Decoder(list[Sums]).decode


def state_key(state_type: str, state_name: str) -> str:
    """A state's type and name as one text, which is quicker to look up by than two."""
    return f"{state_type} {state_name}"


def state_of(key: str) -> tuple[str, str]:
    """The type and name that a key was made of."""
    state_type, _, state_name = key.partition(" ")
    return state_type, state_name


def read(texts: Iterable[str]) -> list[Sums]:
    """The sums of each text."""
    return _decode(f"[{','.join(texts)}]")


def write(sums: Mapping[str, list[int]]) -> str:
    """The sums as text."""
    return encode_text(sums)
