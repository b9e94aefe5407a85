"""Which log lines a filter asks for."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from headrace.rules.log_matching import compile_log_filter
from headrace.wire.filters import LogFilter
from headrace.wire.logs import Log

RUN, OTHER, TASK = (UUID(int=number) for number in (1, 2, 3))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LINES = {
    "plain": Log(id=UUID(int=10), name="mill", level=20, message="ground", timestamp=NOON),
    "of run": Log(
        id=UUID(int=11), name="mill", level=10, message="Oats", timestamp=NOON.replace(hour=11), flow_run_id=RUN
    ),
    "of task": Log(
        id=UUID(int=12),
        name="wheel.upper",
        level=40,
        message="stuck fast",
        timestamp=NOON.replace(hour=13),
        flow_run_id=OTHER,
        task_run_id=TASK,
    ),
}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ["plain", "of run", "of task"]),
        ({"operator": "or_"}, ["plain", "of run", "of task"]),
        ({"level": {"ge_": 20}}, ["plain", "of task"]),
        ({"level": {"le_": 20}}, ["plain", "of run"]),
        ({"level": {"ge_": 20, "le_": 30}}, ["plain"]),
        ({"level": {}}, ["plain", "of run", "of task"]),
        ({"timestamp": {"after_": "2026-01-01T12:00:00Z"}}, ["plain", "of task"]),
        ({"timestamp": {"before_": "2026-01-01T12:00:00Z"}}, ["plain", "of run"]),
        ({"flow_run_id": {"any_": [str(RUN), str(OTHER)]}}, ["of run", "of task"]),
        ({"flow_run_id": {"any_": []}}, []),
        ({"task_run_id": {"is_null_": True}}, ["plain", "of run"]),
        ({"task_run_id": {"is_null_": False}}, ["of task"]),
        ({"task_run_id": {"any_": [str(TASK)], "is_null_": True}}, []),
        ({"text": {"query": "OATS"}}, ["of run"]),
        ({"text": {"query": "upper ground"}}, ["plain", "of task"]),
        ({"text": {"query": "+stuck -fast"}}, []),
        ({"text": {"query": '"fast wheel"'}}, ["of task"]),
        ({"text": {"query": ""}}, ["plain", "of run", "of task"]),
        ({"level": {"ge_": 30}, "flow_run_id": {"any_": [str(RUN)]}}, []),
        ({"operator": "or_", "level": {"ge_": 30}, "flow_run_id": {"any_": [str(RUN)]}}, ["of run", "of task"]),
        ({"operator": "or_", "level": {}, "flow_run_id": {"any_": []}}, ["plain", "of run", "of task"]),
    ],
)
def test_a_line_is_asked_for_where_all_its_criteria_hold_or_one_of_them(wanted: Any, expected: list[str]) -> None:
    test = compile_log_filter(msgspec.convert(wanted, LogFilter))
    assert [name for name, line in LINES.items() if test(line)] == expected
