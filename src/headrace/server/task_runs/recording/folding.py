"""What a task run's row becomes when reports about it are added, whatever the order they come in.

The law: each column holds what the latest report that tells it says. So the outcome depends only on the
set of reports, never on their order, their batches or how often one is repeated. To keep that law with
one row a run, the row's `field_stamps` name those columns that are older than its state. A client's
reports nearly always tell all that the ones before told, and then there are none.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from headrace.server.task_runs.recording.reports import FIELDS, Report, ReportedState, Stamp
from headrace.wire.states import TERMINAL_STATES

NEVER: Stamp = (0, UUID(int=0))
"""The stamp of a column that no report has told: any report is later."""

DEFAULTED = frozenset(
    {"empirical_policy", "tags", "labels", "task_inputs", "run_count", "flow_run_run_count", "total_run_time"}
)
"""Columns that hold a default, not null, until they are told."""


class Known(msgspec.Struct, frozen=True):
    """What is stored of a run: the stamp of its state, and the stamps of the columns that have been told.

    A `provisional` state was put there by the server, because nothing more was heard: `stamp` is that of the last
    report, so that the outcome is what the client says, however late. A report that the run went on changes nothing.
    """

    stamp: Stamp
    told: Mapping[str, Stamp]
    provisional: bool = False


UNKNOWN = Known(NEVER, {})

STATE_STAMP = "state"
"""Under this name a row's stamps say what was last reported of its state, where the server has ended it since."""


class Change(msgspec.Struct, frozen=True):
    """What to write: the columns to set, the state if it is the run's newest, and the stamps to keep."""

    values: Mapping[str, Any]
    state: ReportedState | None
    field_stamps: Mapping[str, Stamp]


def known_from(stamp: Stamp, told: Iterable[str], field_stamps: Mapping[str, Stamp]) -> Known:
    """What a stored row tells: of the columns that have been told, those without a stamp date from its state."""
    reported = field_stamps.get(STATE_STAMP)
    stamp = stamp if reported is None else reported
    stamps = {field: told_at for field in told if (told_at := field_stamps.get(field, stamp)) != NEVER}
    return Known(stamp, stamps, reported is not None)


def fold(known: Known, reports: Iterable[Report]) -> Change:
    """Add reports, in any order, to what is known of the run they are about."""
    newest, state = known.stamp, None
    told = dict(known.told)
    values: dict[str, Any] = {}
    for report in reports:
        stamp = report.stamp
        if stamp > newest:
            newest, state = stamp, report.state
        for field, value in report.fields.items():
            if stamp > told.get(field, NEVER):
                told[field] = stamp
                values[field] = value
    stamps = {field: stamp for field, stamp in _stamps(told) if stamp != newest}
    if known.provisional and (state is None or state.type not in TERMINAL_STATES):
        state, stamps[STATE_STAMP] = None, newest
    return Change(values, state, stamps)


def _stamps(told: Mapping[str, Stamp]) -> Iterable[tuple[str, Stamp]]:
    for field in FIELDS:
        stamp = told.get(field)
        if stamp is not None:
            yield field, stamp
        elif field in DEFAULTED:
            yield field, NEVER
