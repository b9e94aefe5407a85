"""The law of recording: the outcome depends on which reports there are, not on how they arrive."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from headrace.server.states.rows import StoredDetails
from headrace.server.task_runs.recording.folding import (
    DEFAULTED,
    NEVER,
    STATE_STAMP,
    UNKNOWN,
    Change,
    Known,
    fold,
    known_from,
)
from headrace.server.task_runs.recording.reports import FIELDS, Report, ReportedState, Stamp
from headrace.wire.states import StateType
from headrace.wire.times import to_micros

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
RUN = UUID(int=7)


def report(number: int, second: int, fields: dict[str, Any], type: StateType = StateType.RUNNING) -> Report:
    """Report number n; several may share a second."""
    id, occurred = UUID(int=number), EPOCH + timedelta(seconds=second)
    return Report(
        task_run_id=RUN,
        flow_run_id=None,
        task_key="t",
        dynamic_key="0",
        stamp=(to_micros(occurred), id),
        state=ReportedState(id, occurred, type, type.capitalize(), None, b"null", StoredDetails()),  # type: ignore[arg-type]
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
        row["type"] = change.state.type
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


def ended_by_server(row: dict[str, Any]) -> dict[str, Any]:
    """The row once the server has ended the run because nothing more was heard of it."""
    stamps = {STATE_STAMP: row["stamp"]} | row["field_stamps"]
    end = (to_micros(EPOCH + timedelta(hours=1)), UUID(int=99))
    return row | {"stamp": end, "type": StateType.CANCELLED, "field_stamps": stamps}


OUTCOMES = (StateType.COMPLETED, StateType.FAILED)


@given(data=st.data())
def test_the_servers_end_of_a_run_holds_until_its_client_tells_another_however_it_is_told(data: st.DataObject) -> None:
    types = data.draw(st.lists(st.sampled_from([StateType.RUNNING, *OUTCOMES]), min_size=1, max_size=6))
    first, *late = [report(n, n, {"run_count": n}, type) for n, type in enumerate(types, start=1)]
    row = ended_by_server(apply(None, [first]))
    rest = list(data.draw(st.permutations(late)))
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        row, rest = apply(row, rest[:size]), rest[size:]
        if data.draw(st.booleans()) and row["type"] is StateType.CANCELLED:
            row = ended_by_server(row)
    assert row["run_count"] == len(types), "what it tells about itself is news in any case"
    if late and types[-1] in OUTCOMES:
        assert row["type"] is types[-1], "the last it says of itself is an outcome"
        assert STATE_STAMP not in row["field_stamps"]
    elif not any(one.state.type in OUTCOMES for one in late):
        assert row["type"] is StateType.CANCELLED, "that it once went on is no news"


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
