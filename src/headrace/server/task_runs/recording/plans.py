"""Which rows a batch of reports makes and changes: decided from what is stored, before anything is written.

A report belongs to the row with its task run's id; failing that to the row with its natural key
(flow run, task key, dynamic key), which keeps its own id; failing that a row is made. When a flow is
retried in its process, its tasks come back under new ids, and this is what joins them to their history.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import msgspec

from headrace.server.task_runs.recording.folding import UNKNOWN, Change, Known, fold
from headrace.server.task_runs.recording.reports import Report, ReportedState, Stamp
from headrace.wire.states import StateType

Key = tuple[UUID | None, str, str]
"""The natural key of a task run."""


class Stored(msgspec.Struct, frozen=True):
    """A row that the batch may change. A deleted one takes no more reports; one that `waits` is Scheduled."""

    id: UUID
    key: Key
    known: Known
    deleted: bool = False
    waits: bool = False


class NewRun(msgspec.Struct, frozen=True):
    id: UUID
    key: Key
    change: Change


class ChangedRun(msgspec.Struct, frozen=True):
    id: UUID
    change: Change


class NewState(msgspec.Struct, frozen=True):
    task_run_id: UUID
    flow_run_id: UUID | None
    state: ReportedState


class Plan(msgspec.Struct, frozen=True):
    """Everything that one batch writes, each list in the order in which rows are to be locked."""

    new: Sequence[NewRun]
    changed: Sequence[ChangedRun]
    states: Sequence[NewState]
    begun: Sequence[UUID]
    """Runs that were Scheduled and are no more."""
    orphans: int
    """How many reports were left out because their flow run, or the run itself, has been deleted."""


def plan(reports: Sequence[Report], stored: Collection[Stored], flow_run_ids: Collection[UUID]) -> Plan:
    """Plan one batch.

    `stored` are all rows with an id or a key of the reports, `flow_run_ids` the existing flow runs of the others.
    """
    ordered = sorted(reports, key=_stamp)
    rows = {row.id: row for row in stored}
    by_key = {row.key: row.id for row in stored if not row.deleted}
    groups: dict[UUID, list[Report]] = {}
    targets: dict[UUID, UUID] = {}
    for report in ordered:
        target = targets.get(report.task_run_id)
        if target is None:
            target = _target(report, rows, by_key)
            targets[report.task_run_id] = target
        groups.setdefault(target, []).append(report)
    new: list[NewRun] = []
    changed: list[ChangedRun] = []
    states: list[NewState] = []
    begun: list[UUID] = []
    orphans = 0
    for id in sorted(groups):
        group, row = groups[id], rows.get(id)
        if _orphaned(group[0], row, flow_run_ids):
            orphans += len(group)
            continue
        if row is None:
            new.append(NewRun(id, key_of(group[0]), fold(UNKNOWN, group)))
        elif _changes(change := fold(row.known, group)):
            changed.append(ChangedRun(id, change))
            if row.waits and change.state is not None and change.state.type is not StateType.SCHEDULED:
                begun.append(id)
        states.extend(NewState(id, report.flow_run_id, report.state) for report in group)
    states.sort(key=lambda new_state: new_state.state.id)
    return Plan(new, changed, states, begun, orphans)


def key_of(report: Report) -> Key:
    """The natural key of the run that a report is about."""
    return (report.flow_run_id, report.task_key, report.dynamic_key)


def _stamp(report: Report) -> Stamp:
    return report.stamp


def _target(report: Report, rows: Mapping[UUID, Stored], by_key: dict[Key, UUID]) -> UUID:
    if report.task_run_id in rows:
        return report.task_run_id
    return by_key.setdefault(key_of(report), report.task_run_id)


def _orphaned(report: Report, row: Stored | None, flow_run_ids: Collection[UUID]) -> bool:
    if row is not None:
        return row.deleted
    return report.flow_run_id is not None and report.flow_run_id not in flow_run_ids


def _changes(change: Change) -> bool:
    return bool(change.values) or change.state is not None
