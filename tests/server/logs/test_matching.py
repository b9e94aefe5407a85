"""A filter picks the same lines from a stream as from the database."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.rules.log_matching import compile_log_filter
from headrace.server.logs import service
from headrace.server.store.base import Statement, Store
from headrace.wire.filters import (
    LogFilter,
    LogFilterFlowRunId,
    LogFilterLevel,
    LogFilterTaskRunId,
    LogFilterTextSearch,
    LogFilterTimestamp,
    Operator,
)
from headrace.wire.logs import LogCreate
from headrace.wire.sorts import LogSort

IDS = [UUID(int=number) for number in range(1, 4)]
TIMES = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(4)]
WORDS = ["Oats", "rye", "wheel turns"]
CLEAR = Statement("DELETE FROM logs")

lines = st.builds(
    LogCreate,
    name=st.sampled_from(["mill", "wheel.upper"]),
    level=st.sampled_from([10, 20, 30]),
    message=st.lists(st.sampled_from(WORDS), max_size=2).map(" ".join),
    timestamp=st.sampled_from(TIMES),
    flow_run_id=st.none() | st.sampled_from(IDS),
    task_run_id=st.none() | st.sampled_from(IDS),
)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


ids = maybe(st.lists(st.sampled_from(IDS), max_size=2))
queries = st.lists(st.sampled_from(["oats", "+rye", "-wheel", '"wheel turns"', "upper"]), max_size=3).map(" ".join)
filters = st.builds(
    LogFilter,
    operator=st.sampled_from(list(Operator)),
    level=maybe(st.builds(LogFilterLevel, ge_=maybe(st.just(20)), le_=maybe(st.just(20)))),
    timestamp=maybe(
        st.builds(LogFilterTimestamp, before_=maybe(st.sampled_from(TIMES)), after_=maybe(st.sampled_from(TIMES)))
    ),
    flow_run_id=maybe(st.builds(LogFilterFlowRunId, any_=ids)),
    task_run_id=maybe(st.builds(LogFilterTaskRunId, any_=ids, is_null_=maybe(st.booleans()))),
    text=maybe(st.builds(LogFilterTextSearch, query=queries)),
)


@pytest.mark.usefixtures("database_settings")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.lists(lines, min_size=1, max_size=6), wanted=filters)
async def test_a_filter_picks_the_same_lines_live_as_from_the_database(
    store: Store, written: list[LogCreate], wanted: LogFilter
) -> None:
    await store.execute(CLEAR)
    await service.create(store, written, TIMES[0])
    kept = await service.list_logs(store, None, LogSort.TIMESTAMP_ASC, 200, 0)
    found = await service.list_logs(store, wanted, LogSort.TIMESTAMP_ASC, 200, 0)
    test = compile_log_filter(wanted)
    assert [line.id for line in kept if test(line)] == [line.id for line in found]
