"""What counted runs sum up to, as it is kept (see store/histories.py).

Sums are kept as of the beginning of a span, together with how they grow with the clock: a run that is running adds a
second of run time each second, and one that waits a second of lateness. They can so be told for any moment later.
"""

from collections.abc import Iterable

import msgspec

from headrace.server.store.histories import SPAN, STEP
from headrace.wire.base import encode_text

MICROSECONDS_A_SPAN = int(SPAN.total_seconds()) * 1_000_000
MICROSECONDS_A_STEP = int(STEP.total_seconds()) * 1_000_000
STEPS_A_SPAN = MICROSECONDS_A_SPAN // MICROSECONDS_A_STEP


class StateSums(msgspec.Struct, array_like=True):
    """The runs of some time in one state; `run_time` and `lateness` are microseconds as of the span's beginning."""

    state_type: str
    state_name: str
    runs: int = 0
    run_time: int = 0
    running: int = 0
    lateness: int = 0
    waiting: int = 0

    def add(self, runs: int, run_time: int, running: int, lateness: int, waiting: int) -> None:
        self.runs += runs
        self.run_time += run_time
        self.running += running
        self.lateness += lateness
        self.waiting += waiting


Sums = list[StateSums]
_decode = msgspec.json.Decoder(list[Sums]).decode


def read(texts: Iterable[str]) -> list[Sums]:
    """The sums of each text."""
    return _decode(f"[{','.join(texts)}]")


def write(sums: Iterable[StateSums]) -> str:
    """The sums as text."""
    return encode_text(list(sums))
