"""Counts spans of history (see store/histories.py), so that a history need not look at their runs.

First those whose runs have changed, then those that have become old enough, then what is older, backwards to the
first run. A span is claimed in one transaction, counted by a scan, and confirmed in another: what changes in
between says so in `history_changes`, and whoever claims a span later is the one whose count is kept.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import add
from typing import Any

from headrace.server.history import sums
from headrace.server.history.bars import micros
from headrace.server.history.sums import MICROSECONDS_A_SPAN, MICROSECONDS_A_STEP, STEPS_A_SPAN, state_key
from headrace.server.history.walk import TERMINAL, flow_run_of
from headrace.server.store.base import Connection, Row, Statement, Store
from headrace.server.store.hidden import shown
from headrace.server.store.histories import CLOCK, COUNTED_AFTER
from headrace.wire.ids import uuid7
from headrace.wire.times import from_micros, to_micros

AT_ONCE = 12
"""How many spans are counted at once, so that keeping them takes a few milliseconds however many runs there are."""

_NEW = 192
_WEEK = 672
_NOTHING = (0, 0, 0, 0, 0)

_CHANGED = Statement(
    f"SELECT DISTINCT span FROM history_changes WHERE noun = $1 AND span < $2 ORDER BY span DESC LIMIT {AT_ONCE}"
)
_KNOWN = Statement("SELECT span FROM history_spans WHERE noun = $1 AND span >= $2 AND span < $3 AND is_counted")
_CLAIM = Statement(
    "INSERT INTO history_spans (noun, span, counting) SELECT $1, span, $3 FROM unnest($2::integer[]) AS span"
    " ON CONFLICT (noun, span) DO UPDATE SET counting = excluded.counting, is_counted = false",
    sqlite="INSERT INTO history_spans (noun, span, counting) SELECT $1, value, $3 FROM json_each($2) WHERE true"
    " ON CONFLICT (noun, span) DO UPDATE SET counting = excluded.counting, is_counted = false",
)
_FORGET_CHANGES = Statement(
    "DELETE FROM history_changes WHERE noun = $1 AND span = ANY($2::integer[])",
    sqlite="DELETE FROM history_changes WHERE noun = $1 AND span IN (SELECT value FROM json_each($2))",
)
_OURS = Statement(
    "SELECT span FROM history_spans WHERE noun = $1 AND span = ANY($2::integer[]) AND counting = $3 FOR UPDATE",
    sqlite="SELECT span FROM history_spans WHERE noun = $1 AND span IN (SELECT value FROM json_each($2))"
    " AND counting = $3",
)
_FORGET_STEPS = Statement("DELETE FROM history_steps WHERE noun = $1 AND step >= $2 AND step < $3")
_CONFIRM = Statement("UPDATE history_spans SET is_counted = true, sums = $3 WHERE noun = $1 AND span = $2")

_COUNT = """
SELECT {step}, state_type, state_name, count(*),
    {run_time}, count(CASE WHEN {is_running} THEN 1 END),
    {lateness}, count(CASE WHEN {is_waiting} THEN 1 END)
FROM {spans} CROSS JOIN {noun} AS run
WHERE run.expected_start_time >= {begin} AND run.expected_start_time < {end}
    AND run.deleted_at IS NULL AND {is_shown} AND run.state_type IS NOT NULL
GROUP BY 1, 2, 3 ORDER BY 1
"""
_IS_RUNNING = "state_type = 'RUNNING' AND state_timestamp IS NOT NULL"
_IS_WAITING = f"start_time IS NULL AND state_type NOT IN ({TERMINAL})"
_RAN = f"CASE WHEN {_IS_RUNNING} THEN {{begin}} - state_timestamp END"
_LATE_BY = (
    "CASE WHEN start_time > expected_start_time THEN start_time - expected_start_time"
    f" WHEN {_IS_WAITING} THEN {{begin}} - expected_start_time END"
)
_SECONDS = "coalesce(extract(epoch FROM sum({}))::float8, 0)"


class Counting:
    """Counts the spans of one noun. What it remembers only saves it from looking twice."""

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._older: int | None = None
        self._newest_before = Statement(
            f"SELECT max(expected_start_time) FROM {noun} WHERE expected_start_time < $1 AND deleted_at IS NULL"
        )
        self._count = Statement(_count_of(noun), sqlite=_count_of_sqlite(noun))

    async def count(self, store: Store, now: datetime) -> bool:
        """Count some spans, if any are due; whether some were counted."""
        spans = await self._due(store, to_micros(now - COUNTED_AFTER) // MICROSECONDS_A_SPAN)
        return bool(spans) and await self._count_spans(store, spans)

    async def _count_spans(self, store: Store, spans: Sequence[int]) -> bool:
        """Claim, count and confirm these spans, or those of them that may be by the database's clock."""
        counting = uuid7()
        async with store.transaction() as transaction:
            clock = await transaction.fetch_one(CLOCK)
            if clock is None:
                return False
            after = (clock[0] - int(COUNTED_AFTER.total_seconds())) * 1_000_000 // MICROSECONDS_A_SPAN
            spans = [span for span in spans if span < after]
            if not spans:
                return False
            await transaction.execute(_FORGET_CHANGES, self._noun, spans)
            await transaction.execute(_CLAIM, self._noun, spans, counting)
        rows = await store.scan(self._count, spans)
        async with store.transaction() as transaction:
            ours = {span for (span,) in await transaction.fetch(_OURS, self._noun, spans, counting)}
            await self._keep(transaction, ours, rows)
        return True

    async def _due(self, store: Store, after: int) -> list[int]:
        """The spans to count next, of those before `after`."""
        changed = [span for (span,) in await store.scan(_CHANGED, self._noun, after)]
        if changed:
            return changed
        missing = await self._missing(store, after - _NEW, after)
        while not missing:
            before = from_micros((after - _NEW if self._older is None else self._older) * MICROSECONDS_A_SPAN)
            newest = (await store.scan(self._newest_before, before))[0][0]
            if newest is None:
                break
            last = (newest if isinstance(newest, int) else to_micros(newest)) // MICROSECONDS_A_SPAN
            missing = await self._missing(store, last - _WEEK, last + 1)
            if not missing:
                self._older = last - _WEEK
        return missing

    async def _missing(self, store: Store, first: int, after: int) -> list[int]:
        """The newest of these spans that are not counted."""
        known = {span for (span,) in await store.scan(_KNOWN, self._noun, first, after)}
        return [span for span in range(max(first, 0), after) if span not in known][-AT_ONCE:]

    async def _keep(self, transaction: Connection, spans: set[int], rows: Sequence[Row]) -> None:
        """Keep what was counted of these spans."""
        totals, steps = dict.fromkeys(spans, "{}"), list[tuple[Any, ...]]()
        for step, text in _running_sums(row for row in rows if row[0] // STEPS_A_SPAN in spans):
            steps.append((self._noun, step, text))
            totals[step // STEPS_A_SPAN] = text
        bounds = [(self._noun, span * STEPS_A_SPAN, (span + 1) * STEPS_A_SPAN) for span in spans]
        await transaction.execute_many(_FORGET_STEPS, bounds)
        await transaction.insert_many("history_steps", ("noun", "step", "sums"), steps)
        await transaction.execute_many(_CONFIRM, [(self._noun, span, text) for span, text in totals.items()])


def _running_sums(rows: Iterable[Row]) -> Iterator[tuple[int, str]]:
    """From the rows of steps in their order: the sums from the beginning of its span to the end of each step."""
    for _, of_span in groupby(rows, lambda row: row[0] // STEPS_A_SPAN):
        states: dict[str, list[int]] = {}
        for step, of_step in groupby(of_span, lambda row: row[0]):
            for _, state_type, state_name, runs, run_time, running, lateness, waiting in of_step:
                key, added = (
                    state_key(state_type, state_name),
                    (runs, micros(run_time), running, micros(lateness), waiting),
                )
                states[key] = list(map(add, states.get(key, _NOTHING), added))
            yield step, sums.write(states)


def _count_of(noun: str) -> str:
    begin = f"to_timestamp(span * {MICROSECONDS_A_SPAN // 1_000_000}::float8)"
    return _COUNT.format(
        noun=noun,
        is_shown=shown(flow_run_of(noun, "run")),
        step=f"floor(date_part('epoch', expected_start_time) / {MICROSECONDS_A_STEP // 1_000_000})::integer",
        spans="unnest($1::integer[]) AS span",
        begin=begin,
        end=f"to_timestamp((span + 1) * {MICROSECONDS_A_SPAN // 1_000_000}::float8)",
        is_running=_IS_RUNNING,
        is_waiting=_IS_WAITING,
        run_time=f"sum(total_run_time) + {_SECONDS.format(_RAN.format(begin=begin))}",
        lateness=_SECONDS.format(_LATE_BY.format(begin=begin)),
    )


def _count_of_sqlite(noun: str) -> str:
    begin = f"span.value * {MICROSECONDS_A_SPAN}"
    return _COUNT.format(
        noun=noun,
        is_shown=shown(flow_run_of(noun, "run")),
        step=f"expected_start_time / {MICROSECONDS_A_STEP}",
        spans="json_each($1) AS span",
        begin=begin,
        end=f"(span.value + 1) * {MICROSECONDS_A_SPAN}",
        is_running=_IS_RUNNING,
        is_waiting=_IS_WAITING,
        run_time=f"total(total_run_time) + total({_RAN.format(begin=begin)}) / 1e6",
        lateness=f"total({_LATE_BY.format(begin=begin)}) / 1e6",
    )
