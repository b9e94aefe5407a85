"""The law of recording: the outcome depends on which reports there are, not on how they arrive."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from headrace.server.states.rows import StoredDetails
from headrace.server.task_runs.recording.folding import DEFAULTED, NEVER, UNKNOWN, Change, Known, fold, known_from
from headrace.server.task_runs.recording.reports import FIELDS, Report, ReportedState, Stamp
from headrace.wire.states import StateType
from headrace.wire.times import to_micros

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
RUN = UUID(int=7)


def report(number: int, second: int, fields: dict[str, Any]) -> Report:
    """Report number n; several may share a second."""
    id, occurred = UUID(int=number), EPOCH + timedelta(seconds=second)
    return Report(
        task_run_id=RUN,
        flow_run_id=None,
        task_key="t",
        dynamic_key="0",
        stamp=(to_micros(occurred), id),
        state=ReportedState(id, occurred, StateType.RUNNING, "Running", None, b"null", StoredDetails()),  # type: ignore[arg-type]
        fields=fields,
    )


def apply(row: dict[str, Any] | None, reports: list[Report]) -> dict[str, Any]:
    """A model of the stored row: what a batch makes of it."""
    known = UNKNOWN if row is None else known_from(row["stamp"], row.keys() & set(FIELDS), row["field_stamps"])
    change = fold(known, reports)
    row = dict(row or dict.fromkeys(DEFAULTED, "default"))
    row.update(change.values)
    if change.state is not None:
        row["stamp"] = (to_micros(change.state.timestamp), change.state.id)
    row["field_stamps"] = dict(change.field_stamps)
    return row


def fields() -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(FIELDS), st.integers(1, 9), max_size=6)


def histories() -> st.SearchStrategy[list[Report]]:
    told = st.lists(st.tuples(st.integers(0, 5), fields()), min_size=1, max_size=7)
    return told.map(lambda rows: [report(n, second, said) for n, (second, said) in enumerate(rows, start=1)])


@given(history=histories(), data=st.data())
def test_any_order_any_batches_and_any_repetition_give_the_same_row(history: list[Report], data: st.DataObject) -> None:
    in_order = apply(None, sorted(history, key=lambda one: one.stamp))
    arrivals = data.draw(st.permutations(history + data.draw(st.lists(st.sampled_from(history), max_size=4))))
    row, rest = None, list(arrivals)
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        row, rest = apply(row, rest[:size]), rest[size:]
    assert row == in_order


@given(history=histories())
def test_each_column_holds_what_the_latest_report_that_tells_it_says(history: list[Report]) -> None:
    row = apply(None, history)
    for field in FIELDS:
        tellers = [one for one in sorted(history, key=lambda one: one.stamp) if field in one.fields]
        expected = tellers[-1].fields[field] if tellers else ("default" if field in DEFAULTED else None)
        assert row.get(field) == expected


def test_the_newest_report_gives_the_state_and_an_older_one_does_not_take_it_back() -> None:
    late = fold(UNKNOWN, [report(2, 2, {"run_count": 1})])
    assert late.state is not None
    known = Known((to_micros(late.state.timestamp), late.state.id), {"run_count": report(2, 2, {}).stamp})
    early = fold(known, [report(1, 1, {"run_count": 0, "name": "n"})])
    assert early.state is None
    assert early.values == {"name": "n"}


def test_reports_that_tell_everything_leave_no_stamps_behind() -> None:
    everything: dict[str, Any] = dict.fromkeys(FIELDS, 1)
    change: Change = fold(UNKNOWN, [report(1, 1, {"run_count": 0}), report(2, 2, everything)])
    assert change.field_stamps == {}


def test_a_column_with_a_default_that_nobody_told_takes_the_first_thing_said_about_it() -> None:
    never: dict[str, Stamp] = dict(fold(UNKNOWN, [report(5, 5, {})]).field_stamps)
    assert never == dict.fromkeys(DEFAULTED, NEVER)
