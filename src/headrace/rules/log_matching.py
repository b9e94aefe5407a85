"""Which log lines a filter asks for, decided without a database (contract §5)."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Protocol, assert_never
from uuid import UUID

from headrace.rules.text_search import parse_terms
from headrace.wire.filters import (
    LogFilter,
    LogFilterFlowRunId,
    LogFilterLevel,
    LogFilterTaskRunId,
    LogFilterTextSearch,
    LogFilterTimestamp,
    Operator,
)


class MatchableLine(Protocol):
    """What a filter looks at."""

    @property
    def name(self) -> str: ...
    @property
    def level(self) -> int: ...
    @property
    def message(self) -> str: ...
    @property
    def timestamp(self) -> datetime: ...
    @property
    def flow_run_id(self) -> UUID | None: ...
    @property
    def task_run_id(self) -> UUID | None: ...


LineTest = Callable[[MatchableLine], bool]
_Criterion = LogFilterLevel | LogFilterTimestamp | LogFilterFlowRunId | LogFilterTaskRunId | LogFilterTextSearch


def compile_log_filter(wanted: LogFilter) -> LineTest:
    """The test whether a line is one that the filter asks for.

    >>> test = compile_log_filter(LogFilter(level=LogFilterLevel(ge_=30)))
    >>> [line for line in lines if test(line)]
    """
    criteria: tuple[_Criterion | None, ...] = (
        wanted.level,
        wanted.flow_run_id,
        wanted.task_run_id,
        wanted.timestamp,
        wanted.text,
    )
    tests = [_all(tuple(_tests(criterion))) for criterion in criteria if criterion is not None]
    if wanted.operator is Operator.or_ and tests:
        return lambda line: any(test(line) for test in tests)
    return _all(tuple(tests))


def _all(tests: tuple[LineTest, ...]) -> LineTest:
    if len(tests) == 1:
        return tests[0]
    return lambda line: all(test(line) for test in tests)


def _tests(wanted: _Criterion) -> Iterator[LineTest]:
    """One test for each operator that constrains."""
    match wanted:
        case LogFilterLevel(ge_=least, le_=most):
            yield from _between(lambda line: line.level, least, most)
        case LogFilterTimestamp(after_=first, before_=last):
            yield from _between(lambda line: line.timestamp, first, last)
        case LogFilterFlowRunId(any_=ids):
            yield from _one_of(lambda line: line.flow_run_id, ids)
        case LogFilterTaskRunId(any_=ids, is_null_=null):
            yield from _one_of(lambda line: line.task_run_id, ids)
            if null is not None:
                yield lambda line: (line.task_run_id is None) is null
        case LogFilterTextSearch(query=query):
            terms = parse_terms(query)
            yield lambda line: terms.match(f"{line.message} {line.name}")
        case _:
            assert_never(wanted)


def _between(read: Callable[[MatchableLine], Any], least: Any, most: Any) -> Iterator[LineTest]:
    if least is not None:
        yield lambda line: read(line) >= least
    if most is not None:
        yield lambda line: read(line) <= most


def _one_of(read: Callable[[MatchableLine], UUID | None], ids: list[UUID] | None) -> Iterator[LineTest]:
    if ids is not None:
        known = frozenset(ids)
        yield lambda line: read(line) in known
