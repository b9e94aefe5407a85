"""Tracebacks of users' exceptions: through their code, not through the engine that called it."""

import os
import traceback
from collections.abc import Iterator
from types import TracebackType

_OURS = os.path.dirname(__file__) + os.sep


def trim(error: BaseException) -> None:
    """Take the engine's frames out of an exception's traceback, and out of those of its causes."""
    for each in _chain(error):
        each.__traceback__ = _without_ours(each.__traceback__)


def text_of(error: BaseException) -> str:
    """The exception as Python shows it, with its causes."""
    return "".join(traceback.format_exception(error)).rstrip()


def _without_ours(trace: TracebackType | None) -> TracebackType | None:
    kept: list[TracebackType] = []
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(_OURS):
            kept.append(trace)
        trace = trace.tb_next
    rest: TracebackType | None = None
    for each in reversed(kept):
        rest = TracebackType(rest, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return rest


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and everything that it came from, each once."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [each.__cause__, each.__context__]
