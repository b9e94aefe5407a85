"""Places in a log, and their form on the wire.

A log is a table whose rows are numbered as they come (`seq`). A row may hold several items, as one batch of log lines
does, so a place is the number of a row and the last item of it that lies behind.
"""

import re
from typing import NamedTuple

from headrace.wire.stream_errors import InvalidCursor

WHOLE = 2**31 - 1
"""The part of a place that lies behind the whole row."""

_CURSOR = re.compile(r"(?P<seq>\d{1,18})(?:-(?P<part>\d{1,9}))?", re.ASCII)


class Position(NamedTuple):
    """Behind item `part`, counted from 0, of row `seq`; what comes later in the log compares as greater."""

    seq: int
    part: int = WHOLE

    def cursor(self) -> str:
        """The place as clients keep it: opaque to them, and good at every server of the database.

        >>> Position(7).cursor(), Position(7, 2).cursor()
        ('7', '7-2')
        """
        return str(self.seq) if self.part == WHOLE else f"{self.seq}-{self.part}"


def read_cursor(text: str) -> Position:
    """The place that a cursor names; raises `InvalidCursor` for a text that was never given out as one."""
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise InvalidCursor(f"{text[:40]!r} is no cursor: send one as it came in a frame, or null to begin at the end.")
    part = found["part"]
    return Position(int(found["seq"]), WHOLE if part is None else int(part))
