"""Histories from minutes that were counted before.

Hours that are long enough past are counted once, run by run, into a row for each minute and state. A history
takes those rows for what they cover, and looks at the runs themselves where a bar begins within a minute and
in hours that are not counted, or not any more (see store/histories.py for what keeps that true).

A minute in which a bar begins is added as a whole to the bar that its middle is in, and the runs of its other,
shorter part are then moved to the bar next to it. All of it is one statement, so that it speaks of one moment.
"""

from collections.abc import Iterator
from datetime import datetime

from headrace.server.history.bars import Bars, Key, Sums
from headrace.server.history.walk import LATENESS, LATENESS_SQLITE, RUN_TIME, RUN_TIME_SQLITE, TERMINAL
from headrace.server.store.base import Statement, Store
from headrace.server.store.histories import COUNTED_AFTER, IS_QUIET
from headrace.wire.ids import uuid7
from headrace.wire.listings import HistoryBar
from headrace.wire.times import from_micros, to_micros

_HOUR = 3_600_000_000
"""In microseconds."""

_HOURS_AT_ONCE = 24
_MOST_HOURS = 1_000
"""How many hours one request counts at most; until the others are counted too, their runs are walked."""

_HOLDS = """
SELECT hour FROM history_hours AS counted WHERE noun = $1 AND hour BETWEEN $2 AND $3 AND is_counted
AND NOT EXISTS (SELECT 1 FROM history_changes WHERE noun = $1 AND hour = counted.hour)
"""
_CLAIM = Statement(
    "INSERT INTO history_hours (noun, hour, counting) SELECT $1, hour, $3 FROM unnest($2::integer[]) AS hour"
    " ON CONFLICT (noun, hour) DO UPDATE SET counting = excluded.counting, is_counted = false",
    sqlite="INSERT INTO history_hours (noun, hour, counting) SELECT $1, value, $3 FROM json_each($2) WHERE true"
    " ON CONFLICT (noun, hour) DO UPDATE SET counting = excluded.counting, is_counted = false",
)
_FORGET_CHANGES = Statement(
    "DELETE FROM history_changes WHERE noun = $1 AND hour = ANY($2::integer[])",
    sqlite="DELETE FROM history_changes WHERE noun = $1 AND hour IN (SELECT value FROM json_each($2))",
)
_CONFIRM = Statement(
    "UPDATE history_hours SET is_counted = true"
    " WHERE noun = $1 AND counting = $2 AND hour >= $3 AND hour < $4 RETURNING hour"
)
_FORGET_MINUTES = Statement(
    "DELETE FROM history_minutes WHERE noun = $1 AND minute / 60 = ANY($2::integer[]) AND minute >= $3 AND minute < $4",
    sqlite="DELETE FROM history_minutes WHERE noun = $1 AND minute / 60 IN (SELECT value FROM json_each($2))"
    " AND minute >= $3 AND minute < $4",
)
_COLUMNS = (
    "noun",
    "minute",
    "state_type",
    "state_name",
    "runs",
    "ran",
    "running",
    "running_since",
    "late",
    "waiting",
    "waiting_since",
)
_IS_RUNNING = "state_type = 'RUNNING' AND state_timestamp IS NOT NULL"
_IS_WAITING = f"start_time IS NULL AND state_type NOT IN ({TERMINAL})"
_IS_LATE = "start_time > expected_start_time"
_COUNT_MINUTES = """
SELECT {minute}, state_type, state_name, count(*), sum(total_run_time),
    count(CASE WHEN {is_running} THEN 1 END), {running_since}, {late},
    count(CASE WHEN {is_waiting} THEN 1 END), {waiting_since}
FROM {noun} WHERE expected_start_time >= $1 AND expected_start_time < $2
    AND deleted_at IS NULL AND state_type IS NOT NULL
GROUP BY 1, 2, 3
"""
_SUM_OF_SPANS = "coalesce(extract(epoch FROM sum(CASE WHEN {when} THEN {span} END))::float8, 0)"
_SUM_OF_SPANS_SQLITE = "total(CASE WHEN {when} THEN {span} END) / 1e6"
_BEGINNING = "date_bin('1 minute', expected_start_time, 'epoch'::timestamptz)"
_BEGINNING_SQLITE = "expected_start_time / 60000000 * 60000000"

# Hours that follow each other are taken as one island, so that whichever way a planner joins them is a short one.
_BARS = """
WITH holding AS MATERIALIZED ({holds}),
gaps AS (
    SELECT hour + 1 AS first, lead(hour, 1, $3 + 1) OVER (ORDER BY hour) AS next
    FROM (SELECT hour FROM holding UNION ALL SELECT $2 - 1) AS known
),
islands AS MATERIALIZED (
    SELECT min(hour) AS first, max(hour) + 1 AS next
    FROM (SELECT hour, hour - row_number() OVER (ORDER BY hour) AS island FROM holding) AS numbered
    GROUP BY island
),
edges AS (SELECT bar, at, {edge_minute} AS begins FROM (SELECT bar, {edge} AS at FROM {numbers}) AS placed),
spans AS MATERIALIZED (
    SELECT {no_bar} AS moved_from, {no_bar} AS bar, {gap_since} AS since, {gap_until} AS until
    FROM gaps WHERE first < next
    UNION ALL
    SELECT CASE WHEN is_early THEN bar ELSE bar - 1 END, CASE WHEN is_early THEN bar - 1 ELSE bar END,
        CASE WHEN is_early THEN begins ELSE at END, CASE WHEN is_early THEN at ELSE begins + {one_minute} END
    FROM (SELECT bar, at, begins, at <= begins + {one_minute} / 2 AS is_early FROM edges) AS halved
    WHERE {edge_hour} IN (SELECT hour FROM holding)
)
SELECT moved_from, coalesce(spans.bar, {run_bar}), state_type, state_name, count(*), {run_time}, {lateness}
FROM spans CROSS JOIN {noun} AS run
WHERE run.expected_start_time >= spans.since AND run.expected_start_time < spans.until
    AND run.deleted_at IS NULL AND run.state_type IS NOT NULL
GROUP BY 1, 2, 3, 4
UNION ALL
SELECT {no_bar}, {minute_bar}, state_type, state_name, sum(runs),
    sum(ran + running * ({now_seconds} - minute * {sixty}) - running_since),
    sum(late + waiting * ({now_seconds} - minute * {sixty}) - waiting_since)
FROM islands CROSS JOIN history_minutes
WHERE noun = $1 AND minute >= first * 60 AND minute < next * 60 AND {minute_inside}
GROUP BY 1, 2, 3, 4
"""


class Counted:
    """The histories of one noun, without filters."""

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._is_counting = False
        self._first = Statement(
            f"SELECT min(expected_start_time) FROM {noun} WHERE expected_start_time >= $1 AND deleted_at IS NULL"
        )
        self._holds = Statement(_HOLDS)
        self._count_minutes = Statement(_minutes_of(noun), sqlite=_minutes_of_sqlite(noun))
        self._bars = Statement(_bars_of(noun), sqlite=_bars_of_sqlite(noun))

    async def bars(self, store: Store, bars: Bars, now: datetime) -> list[HistoryBar]:
        """The bars of all runs. Their width is a minute at least."""
        start, end = to_micros(bars.start), to_micros(bars.end)
        rows = await store.scan(
            self._bars,
            *(self._noun, start // _HOUR, (end - 1) // _HOUR),
            *(bars.start, bars.end, start, end, bars.micros, list(range(bars.count + 1))),
            *(now, now.timestamp()),
        )
        found: dict[Key, Sums] = {}
        for moved_from, bar, state_type, state_name, runs, *seconds in rows:
            sums = int(runs), *seconds
            found.setdefault((bar, state_type, state_name), Sums()).add(*sums)
            if moved_from is not None:
                found.setdefault((moved_from, state_type, state_name), Sums()).add(*(-value for value in sums))
        for sums in found.values():
            sums.settle()
        return bars.draw(found)

    async def count(self, store: Store, bars: Bars, now: datetime) -> None:
        """Count the hours of the bars that can be and are not; one caller at a time does so."""
        if self._is_counting:
            return
        self._is_counting = True
        try:
            for hours in _together(await self._uncounted(store, bars, now)):
                if not await self._count(store, hours):
                    break
        finally:
            self._is_counting = False

    async def _uncounted(self, store: Store, bars: Bars, now: datetime) -> list[int]:
        """The hours to be counted, from the first that has a run."""
        earliest = (await store.scan(self._first, max(bars.start, from_micros(0))))[0][0]
        if earliest is None:
            return []
        first = (earliest if isinstance(earliest, int) else to_micros(earliest)) // _HOUR
        after = min(-(-to_micros(bars.end) // _HOUR), to_micros(now - COUNTED_AFTER) // _HOUR)
        holding = {hour for (hour,) in await store.scan(self._holds, self._noun, first, after - 1)}
        return [hour for hour in range(first, after) if hour not in holding][-_MOST_HOURS:]

    async def _count(self, store: Store, hours: list[int]) -> bool:
        """Count these hours, which follow each other; whether it was possible now."""
        counting = uuid7()
        async with store.transaction() as transaction:
            quiet = await transaction.fetch_one(IS_QUIET)
            if quiet is None or not quiet[0]:
                return False
            await transaction.execute(_FORGET_CHANGES, self._noun, hours)
            await transaction.execute(_CLAIM, self._noun, hours, counting)
        first, after = hours[0], hours[-1] + 1
        rows = await store.scan(self._count_minutes, from_micros(first * _HOUR), from_micros(after * _HOUR))
        async with store.transaction() as transaction:
            # Somebody else may have claimed some of the hours meanwhile, to count them again.
            ours = [hour for (hour,) in await transaction.fetch(_CONFIRM, self._noun, counting, first, after)]
            await transaction.execute(_FORGET_MINUTES, self._noun, ours, first * 60, after * 60)
            minutes = [(self._noun, *row) for row in rows if row[0] // 60 in set(ours)]
            await transaction.insert_many("history_minutes", _COLUMNS, minutes)
        return True


def _together(hours: list[int]) -> Iterator[list[int]]:
    """The hours in lists of some that follow each other."""
    batch: list[int] = []
    for hour in hours:
        if batch and (hour != batch[-1] + 1 or len(batch) == _HOURS_AT_ONCE):
            yield batch
            batch = []
        batch.append(hour)
    if batch:
        yield batch


def _minutes_of(noun: str) -> str:
    return _COUNT_MINUTES.format(
        noun=noun,
        minute="floor(date_part('epoch', expected_start_time) / 60)::integer",
        is_running=_IS_RUNNING,
        running_since=_SUM_OF_SPANS.format(when=_IS_RUNNING, span=f"state_timestamp - {_BEGINNING}"),
        late=_SUM_OF_SPANS.format(when=_IS_LATE, span="start_time - expected_start_time"),
        is_waiting=_IS_WAITING,
        waiting_since=_SUM_OF_SPANS.format(when=_IS_WAITING, span=f"expected_start_time - {_BEGINNING}"),
    )


def _minutes_of_sqlite(noun: str) -> str:
    return _COUNT_MINUTES.format(
        noun=noun,
        minute="expected_start_time / 60000000",
        is_running=_IS_RUNNING,
        running_since=_SUM_OF_SPANS_SQLITE.format(when=_IS_RUNNING, span=f"state_timestamp - {_BEGINNING_SQLITE}"),
        late=_SUM_OF_SPANS_SQLITE.format(when=_IS_LATE, span="start_time - expected_start_time"),
        is_waiting=_IS_WAITING,
        waiting_since=_SUM_OF_SPANS_SQLITE.format(when=_IS_WAITING, span=f"expected_start_time - {_BEGINNING_SQLITE}"),
    )


def _bars_of(noun: str) -> str:
    return _BARS.format(
        noun=noun,
        holds=_HOLDS,
        edge="$4::timestamptz + bar * $8::bigint * interval '1 microsecond'",
        numbers="unnest($9::integer[]) AS bar",
        no_bar="NULL::bigint",
        one_minute="interval '1 minute'",
        gap_since="greatest(to_timestamp(first * 3600.0), $4::timestamptz)",
        gap_until="least(to_timestamp(next * 3600.0), $5::timestamptz)",
        edge_minute="date_bin('1 minute', at, 'epoch'::timestamptz)",
        edge_hour="floor(date_part('epoch', at) / 3600)::integer",
        run_bar="round(date_part('epoch', run.expected_start_time - $4::timestamptz) * 1e6)::bigint / $8::bigint",
        run_time=RUN_TIME.format(now="$10::timestamptz"),
        lateness=LATENESS.format(now="$10::timestamptz"),
        now_seconds="$11::float8",
        sixty="60::float8",
        minute_bar="(minute * 60000000::bigint + 30000000 - $6::bigint) / $8::bigint",
        minute_inside="minute * 60000000::bigint + 30000000 >= $6::bigint"
        " AND minute * 60000000::bigint + 30000000 < $7::bigint",
    )


def _bars_of_sqlite(noun: str) -> str:
    return _BARS.format(
        noun=noun,
        holds=_HOLDS,
        edge="$4 + bar * $8",
        numbers="(SELECT value AS bar FROM json_each($9))",
        no_bar="NULL",
        one_minute="60000000",
        gap_since="max(first * 3600000000, $4)",
        gap_until="min(next * 3600000000, $5)",
        edge_minute="at / 60000000 * 60000000",
        edge_hour="at / 3600000000",
        run_bar="(run.expected_start_time - $4) / $8",
        run_time=RUN_TIME_SQLITE.format(now="$10"),
        lateness=LATENESS_SQLITE.format(now="$10"),
        now_seconds="$11",
        sixty="60.0",
        minute_bar="(minute * 60000000 + 30000000 - $6) / $8",
        minute_inside="minute * 60000000 + 30000000 >= $6 AND minute * 60000000 + 30000000 < $7",
    )
