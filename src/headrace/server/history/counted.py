"""Histories from spans that were counted before (see store/histories.py, and counting.py for who counts them).

The sum of a whole span is added to the bar in which it ends. An edge between two bars that lies within a counted
span then moves what was expected in the span up to that edge to the bar before: up to the nearest step it is the
running sum of that step, and the few runs between the step and the edge are looked at one by one. So are the runs
of spans that are not counted. All is read of one moment, and equals a walk over every run.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from headrace.server.history import sums
from headrace.server.history.bars import Bars, Sheet, micros
from headrace.server.history.sums import MICROSECONDS_A_SPAN, MICROSECONDS_A_STEP, STEPS_A_SPAN, Sums, state_key
from headrace.server.history.walk import COLUMNS, LATENESS, LATENESS_SQLITE, RUN_TIME, RUN_TIME_SQLITE, flow_run_of
from headrace.server.history.wanted import Wanted
from headrace.server.store.base import Dialect, Statement, Store
from headrace.server.store.hidden import shown
from headrace.wire.base import encode_text
from headrace.wire.listings import HistoryBar
from headrace.wire.times import from_micros, to_micros

_SPANS = """
    SELECT span, sums, false AS is_step FROM history_spans AS counted
    WHERE noun = $1 AND span BETWEEN $2 AND $3 AND is_counted
    AND NOT EXISTS (SELECT 1 FROM history_changes WHERE noun = $1 AND span = counted.span)
"""
_STEP = f"""
    SELECT sums FROM history_steps
    WHERE noun = $1 AND step >= (until - 1) / {STEPS_A_SPAN} * {STEPS_A_SPAN} AND step < until
    ORDER BY step DESC LIMIT 1
"""
_KEPT = Statement(
    f"{_SPANS} UNION ALL SELECT until, ({_STEP}), true FROM unnest($4::integer[]) AS until ORDER BY 3, 1",
    sqlite=f"{_SPANS} UNION ALL SELECT until, ({_STEP}), true FROM (SELECT value AS until FROM json_each($4))"
    " ORDER BY 3, 1",
)
"""The sums of spans that are counted and hold, then those up to steps, both in their order."""

_RUNS = """
SELECT piece, state_type, state_name, count(*), {run_time}, {lateness}
FROM {runs}
GROUP BY piece, state_type, state_name
"""
_RUNS_OF_PIECES = """
unnest($2::timestamptz[], $3::timestamptz[]) WITH ORDINALITY AS pieces(since, until, piece) CROSS JOIN LATERAL (
    SELECT {columns} FROM {noun} WHERE expected_start_time >= since AND expected_start_time < until
        AND deleted_at IS NULL AND {is_shown} AND state_type IS NOT NULL
    ORDER BY expected_start_time OFFSET 0
) AS run
"""
"""In order and from the beginning, or else a plan for any number of pieces reads the whole table."""
_RUNS_OF_PIECES_SQLITE = """
(
    SELECT key + 1 AS piece, json_extract(value, '$[0]') AS since, json_extract(value, '$[1]') AS until
    FROM json_each($2) LIMIT -1 OFFSET 0
) CROSS JOIN {noun} AS run
WHERE run.expected_start_time >= since AND run.expected_start_time < until
    AND run.deleted_at IS NULL AND {is_shown} AND run.state_type IS NOT NULL
"""
"""With a limit that is none, or else SQLite takes the JSON apart again for each run."""


class _Edge(NamedTuple):
    """An edge within a counted span: the one before the bar of this number. The sums are those up to a step."""

    bar: int
    span: int
    step: int


class _Piece(NamedTuple):
    """A time whose runs are looked at: they are added to one bar and, if they were counted, taken from another."""

    since: int
    until: int
    to: int
    taken_from: int | None = None


class Counted:
    """The histories of one noun's runs, all of them."""

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._runs = Statement(
            _RUNS.format(
                runs=_RUNS_OF_PIECES.format(noun=noun, columns=COLUMNS, is_shown=shown(flow_run_of(noun, noun))),
                run_time=RUN_TIME.format(now="$1::timestamptz"),
                lateness=LATENESS.format(now="$1::timestamptz"),
            ),
            sqlite=_RUNS.format(
                runs=_RUNS_OF_PIECES_SQLITE.format(noun=noun, is_shown=shown(flow_run_of(noun, "run"))),
                run_time=RUN_TIME_SQLITE.format(now="$1"),
                lateness=LATENESS_SQLITE.format(now="$1"),
            ),
        )

    async def bars(self, store: Store, bars: Bars, wanted: Wanted, now: datetime) -> list[HistoryBar]:
        """The bars of all runs, drawn with the states that are wanted."""
        first = bars.edges[0] // MICROSECONDS_A_SPAN
        last = min(bars.edges[-1] - 1, to_micros(now) - MICROSECONDS_A_SPAN) // MICROSECONDS_A_SPAN
        asked = [_step(edge) for edge in bars.edges if 0 <= edge // MICROSECONDS_A_SPAN <= last]
        async with store.view() as view:
            kept = await view.scan(_KEPT, self._noun, first, last, asked)
            spans: dict[int, str] = {row[0]: row[1] for row in kept if not row[2]}
            edges = list(_edges(bars, spans))
            pieces = [*_between(edges, bars), *_uncounted(bars, spans)]
            runs = await view.scan(self._runs, now, *_ranges(store.dialect, pieces))
        steps = {row[0]: row[1] for row in kept if row[2]}
        sheet = Sheet(bars)
        _add_spans(sheet, bars, spans, to_micros(now))
        _move_steps(sheet, edges, sums.read(steps.get(edge.step) or "{}" for edge in edges), to_micros(now))
        for place, state_type, state_name, count, run_seconds, late_seconds in runs:
            piece, key = pieces[int(place) - 1], state_key(state_type, state_name)
            run_time, lateness = micros(run_seconds), micros(late_seconds)
            sheet.add(piece.to, key, count, run_time, lateness)
            if piece.taken_from is not None:
                sheet.add(piece.taken_from, key, -count, -run_time, -lateness)
        return sheet.draw(wanted)


def _edges(bars: Bars, spans: Mapping[int, str]) -> Iterator[_Edge]:
    """The edges within counted spans, each with the step nearest to it."""
    for bar, edge in enumerate(bars.edges):
        span = edge // MICROSECONDS_A_SPAN
        if span in spans:
            yield _Edge(bar, span, _step(edge))


def _step(micros: int) -> int:
    """The number of the step that begins nearest to a moment."""
    return (micros + MICROSECONDS_A_STEP // 2) // MICROSECONDS_A_STEP


def _between(edges: Sequence[_Edge], bars: Bars) -> Iterator[_Piece]:
    """The times between edges and their steps."""
    for edge in edges:
        at, step = bars.edges[edge.bar], edge.step * MICROSECONDS_A_STEP
        if step < at:
            yield _Piece(step, at, edge.bar - 1, edge.bar)
        elif at < step:
            yield _Piece(at, step, edge.bar, edge.bar - 1)


def _uncounted(bars: Bars, spans: Mapping[int, str]) -> Iterator[_Piece]:
    """The times of spans that are not counted, bar by bar."""
    since, end = bars.edges[0], bars.edges[-1]
    for span in [*spans, -(-end // MICROSECONDS_A_SPAN)]:
        until = min(span * MICROSECONDS_A_SPAN, end)
        while since < until:
            bar = bars.number(since)
            yield _Piece(since, min(until, bars.edges[bar + 1]), bar)
            since = min(until, bars.edges[bar + 1])
        since = max(since, until + MICROSECONDS_A_SPAN)


def _ranges(dialect: Dialect, pieces: Sequence[_Piece]) -> tuple[object, ...]:
    """The pieces as values of the statement."""
    if dialect is Dialect.SQLITE:
        return (encode_text([piece[:2] for piece in pieces]),)
    return [from_micros(piece.since) for piece in pieces], [from_micros(piece.until) for piece in pieces]


def _add_spans(sheet: Sheet, bars: Bars, spans: Mapping[int, str], now: int) -> None:
    """Add each span to the bar that it ends in, which may be the one after the last."""
    for span, states in zip(spans, sums.read(spans.values()), strict=True):
        begin, end = span * MICROSECONDS_A_SPAN, (span + 1) * MICROSECONDS_A_SPAN
        bar = min(bars.number(end - 1), bars.count)
        for key, (runs, run_time, running, lateness, waiting) in states.items():
            sheet.add(bar, key, runs, run_time + running * (now - begin), lateness + waiting * (now - begin))


def _move_steps(sheet: Sheet, edges: Sequence[_Edge], found: Sequence[Sums], now: int) -> None:
    """Move to the bar before each edge what is counted up to its step."""
    for edge, states in zip(edges, found, strict=True):
        if edge.step > edge.span * STEPS_A_SPAN:
            elapsed = now - edge.span * MICROSECONDS_A_SPAN
            for key, (runs, run_time, running, lateness, waiting) in states.items():
                sheet.move(edge.bar, key, runs, run_time + running * elapsed, lateness + waiting * elapsed)
