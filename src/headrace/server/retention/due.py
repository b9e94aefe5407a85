"""What is due under policies: the runs and artifacts that are over, and too old or more than are to be kept.

Each question has one shape: the id and the moment of what is due, the oldest first, at most so many.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Any, assert_never
from uuid import UUID

import msgspec

from headrace.rules.retention_policies import Kind, Policy, RetentionClass, cutoff, outcomes
from headrace.server.store.base import Statement, View
from headrace.server.store.hidden import shown
from headrace.wire.ids import first_uuid7
from headrace.wire.states import TERMINAL_STATES, StateType
from headrace.wire.times import from_micros

_OVER = f"r.deleted_at IS NULL AND {{type}} {{any}} AND {shown('r.id')}"
_RUN = "SELECT r.id, r.end_time AS moment FROM"
_OLDEST_FIRST = "ORDER BY r.end_time, r.id LIMIT $3"
_OLD_RUNS = f"{_RUN} flow_runs r WHERE {_OVER} AND r.end_time < $2 {_OLDEST_FIRST}"
_FEW_OLD_RUNS = f"{_OLD_RUNS} -- of which there are few"
_FEW_RUNS_BEYOND = f"""
    SELECT id, moment FROM (
        SELECT r.id, r.end_time AS moment, row_number() OVER (PARTITION BY r.flow_id ORDER BY r.id DESC) AS place
        FROM flow_runs r WHERE {_OVER}
    ) AS ranked WHERE place > $4 AND moment < $2 ORDER BY moment, id LIMIT $3
"""
_KEPT = f"""
    WITH kept AS MATERIALIZED (
        SELECT f.id AS flow_id, (
            SELECT r.id FROM flow_runs r WHERE r.flow_id = f.id AND {_OVER} ORDER BY r.id DESC LIMIT 1 OFFSET $4 - 1
        ) AS last FROM flows f
    )
"""
"""The first of the last few of each flow, found by walking back its runs; none where it has fewer."""
_BEYOND = f"{_OVER} AND r.flow_id = k.flow_id AND r.id < k.last AND {{end}} < $2 {_OLDEST_FIRST}"
_RUNS_BEYOND = f"{_KEPT} {_RUN} kept k CROSS JOIN flow_runs r WHERE {_BEYOND}"
_OLD_RUNS_BEYOND = f"{_KEPT} {_RUN} flow_runs r CROSS JOIN kept k WHERE {_BEYOND}"
"""SQLite reads the two in the order in which they are named: few are old, or nearly all are beyond."""
_OLD_TASK_RUNS = """
    SELECT t.id, t.end_time AS moment FROM task_runs t
    WHERE t.flow_run_id IS NULL AND t.deleted_at IS NULL AND t.state_type {any} AND {end} < $2
    ORDER BY {end}, t.id LIMIT $3
"""
_ARTIFACTS = f"""
    artifacts a WHERE a.deleted_at IS NULL AND {shown("a.flow_run_id")}
    AND NOT EXISTS (SELECT 1 FROM flow_runs r WHERE r.id = a.flow_run_id AND r.end_time IS NULL)
    AND NOT EXISTS (SELECT 1 FROM task_runs t WHERE t.id = a.task_run_id AND t.end_time IS NULL)
"""
"""Those of runs that are over, and of no run at all."""
_OLD_ARTIFACTS = f"SELECT a.id, a.created AS moment FROM {_ARTIFACTS} AND a.id < $1 ORDER BY a.id LIMIT $2"
_KEYED_BEYOND = f"""
    SELECT a.id, a.created AS moment, row_number() OVER (PARTITION BY a.key ORDER BY a.id DESC) AS place
    FROM {_ARTIFACTS} AND a.key IS NOT NULL
"""
_ARTIFACTS_BEYOND = f"""
    SELECT id, moment FROM ({_KEYED_BEYOND}) AS ranked WHERE place > $3 AND id < $1 ORDER BY id LIMIT $2
"""
_ARTIFACTS_OLD_AND_BEYOND = f"""
    SELECT id, moment FROM (
        SELECT id, moment FROM ({_KEYED_BEYOND}) AS ranked WHERE place > $3
        UNION ALL SELECT a.id, a.created FROM {_ARTIFACTS} AND a.key IS NULL AND a.id < $1
    ) AS either WHERE id < $1 ORDER BY id LIMIT $2
"""
"""What has no key is a version of nothing, so it goes by its age alone."""


class _Wanted(Enum):
    """What is asked of those that are due."""

    IDS = auto()
    TOTALS = auto()


class Totals(msgspec.Struct, frozen=True):
    """How many are due, at most as many as were looked for, and the moment of the oldest."""

    many: int
    oldest: datetime | None


async def ids(view: View, policy: Policy, classes: Sequence[RetentionClass], now: datetime, limit: int) -> list[UUID]:
    """What the policy removes now, the oldest first; `classes` are those for which policies are in force."""
    statement, values = statement_of(policy, classes, now, limit)
    rows = await view.scan(statement, *values)
    return [row[0] if isinstance(row[0], UUID) else UUID(row[0]) for row in rows]


async def totals(view: View, policy: Policy, classes: Sequence[RetentionClass], now: datetime, limit: int) -> Totals:
    """How many those are."""
    question, values = _question(policy, classes, now, limit)
    many, oldest = (await view.scan(_STATEMENTS[question, _Wanted.TOTALS], *values))[0]
    return Totals(many, from_micros(oldest) if isinstance(oldest, int) else oldest)


def statement_of(
    policy: Policy, classes: Sequence[RetentionClass], now: datetime, limit: int
) -> tuple[Statement, tuple[Any, ...]]:
    """How the ids of those are asked for."""
    question, values = _question(policy, classes, now, limit)
    return _STATEMENTS[question, _Wanted.IDS], values


def _question(
    policy: Policy, classes: Sequence[RetentionClass], now: datetime, limit: int
) -> tuple[str, tuple[Any, ...]]:
    before = cutoff(policy, now) or now
    kept = () if policy.keep_last is None else (policy.keep_last,)
    match policy.about.kind:
        case Kind.FLOW_RUNS:
            ends = list(outcomes(policy.about, classes))
            question = _question_of_runs(many=StateType.COMPLETED in ends, is_old=before < now, beyond=bool(kept))
            return question, (ends, before, limit, *kept)
        case Kind.TASK_RUNS:
            return _OLD_TASK_RUNS, (sorted(TERMINAL_STATES), before, limit)
        case Kind.ARTIFACTS if policy.max_age is None:
            return _ARTIFACTS_BEYOND, (first_uuid7(now), limit, *kept)
        case Kind.ARTIFACTS:
            question = _ARTIFACTS_OLD_AND_BEYOND if kept else _OLD_ARTIFACTS
            return question, (first_uuid7(before), limit, *kept)
        case Kind.LOGS | Kind.EVENTS as other:
            raise ValueError(f"{other} are not removed by operations")
        case _:
            assert_never(policy.about.kind)


def _question_of_runs(*, many: bool, is_old: bool, beyond: bool) -> str:
    match many, is_old, beyond:
        case True, True, True:
            return _OLD_RUNS_BEYOND
        case True, False, True:
            return _RUNS_BEYOND
        case False, _, True:
            return _FEW_RUNS_BEYOND
        case _:
            return _OLD_RUNS if many else _FEW_OLD_RUNS


def _statement(question: str, wanted: _Wanted) -> Statement:
    asked = "id" if wanted is _Wanted.IDS else "count(*), min(moment)"
    text = f"SELECT {asked} FROM ({question}\n) AS due"
    names = {"type": "r.state_type", "end": "t.end_time" if question is _OLD_TASK_RUNS else "r.end_time"}
    # SQLite plans without knowing what there is; `+` keeps it from an index that leads through nearly all of it.
    barred = {name: f"+{names[name]}" for name in _BARRED.get(question, ())}
    return Statement(
        text.format(any="= ANY($1::text[])", **names),
        sqlite=text.format(any="IN (SELECT value FROM json_each($1))", **(names | barred)),
    )


_BARRED = {
    _OLD_RUNS: ("type",),
    _RUNS_BEYOND: ("type", "end"),
    _OLD_RUNS_BEYOND: ("type",),
    _OLD_TASK_RUNS: ("end",),
}
_QUESTIONS = (
    _OLD_RUNS,
    _FEW_OLD_RUNS,
    _FEW_RUNS_BEYOND,
    _RUNS_BEYOND,
    _OLD_RUNS_BEYOND,
    _OLD_TASK_RUNS,
    _OLD_ARTIFACTS,
    _ARTIFACTS_BEYOND,
    _ARTIFACTS_OLD_AND_BEYOND,
)
_STATEMENTS = {(question, wanted): _statement(question, wanted) for question in _QUESTIONS for wanted in _Wanted}
