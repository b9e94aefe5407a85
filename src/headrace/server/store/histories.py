"""Which counted spans of history still hold, kept true by triggers.

Time is cut into spans, and these into steps. `history_spans` says which spans have been counted and what the runs
that were expected in them sum up to; `history_steps` has the sums from the beginning of a span to the end of each
of its steps that has runs. Whatever changes a run of a counted span adds the span to `history_changes` in the same
transaction, and from then on it is not counted any more, until somebody counts it again (`server/history/`).
Adding a row waits for nobody. What an operation deletes or gives back it notes itself (`server/trash/`), span by span;
so the triggers take no notice of an operation's marks, nor of rows with such a mark that are removed.

The triggers do nothing for runs that were expected a moment ago or will be, so that making a run and moving it
through its states costs a comparison. That is safe because a span is counted `COUNTED_AFTER` its end at the
earliest, and in PostgreSQL only while no transaction has been open for so long that it may have passed the
comparison before (`CLOCK`). There, changes of older runs share a lock, which whoever claims a span asks for alone.
"""

from collections.abc import Collection
from datetime import timedelta

from headrace.server.store.base import Connection, Dialect, Statement

NOUNS = ("flow_runs", "task_runs")
SPAN, STEP = timedelta(minutes=15), timedelta(seconds=10)
COUNTED_AFTER = timedelta(minutes=15)
"""How long after its end a span is counted: longer than runs are recent, and transactions open, taken together."""

_SPAN_SECONDS = int(SPAN.total_seconds())
_RECENT_SECONDS = 600
_LOCK = 7_465_227_041
CLOCK = Statement(
    f"""
    SELECT floor(extract(epoch FROM clock_timestamp()))::bigint WHERE pg_try_advisory_xact_lock({_LOCK})
    AND NOT EXISTS (
        SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
        AND backend_xid IS NOT NULL AND xact_start < clock_timestamp() - interval '5 minutes'
    )
    """,
    sqlite="SELECT CAST(strftime('%s', 'now') AS INTEGER)",
)
"""The triggers' clock, in seconds; no row where spans cannot be claimed in this transaction.

If they can, changes of old runs wait until it ends.
"""

_LOCK_CLAIMS = Statement(f"SELECT pg_advisory_xact_lock_shared({_LOCK})")
_NOTE = """
    INSERT INTO history_changes (noun, span) SELECT noun, span FROM history_spans AS counted
    WHERE noun = $1 AND span {among} AND NOT EXISTS (
        SELECT 1 FROM history_changes WHERE noun = $1 AND span = counted.span
    )
"""
_NOTE_CHANGES = Statement(
    _NOTE.format(among="= ANY($2::integer[])"), sqlite=_NOTE.format(among="IN (SELECT value FROM json_each($2))")
)

_CHANGED = "expected_start_time, state_type, state_name, state_timestamp, start_time, total_run_time, deleted_at"
_SQLITE = """
CREATE TRIGGER history_{noun}_{name} AFTER {event} ON {noun} WHEN {condition}
BEGIN
    INSERT INTO history_changes (noun, span) SELECT noun, span FROM history_spans AS counted
    WHERE noun = '{noun}' AND span IN ({spans})
    AND NOT EXISTS (SELECT 1 FROM history_changes WHERE noun = '{noun}' AND span = counted.span);
END
"""
SPAN_OF = (
    f"floor(extract(epoch FROM {{}}) / {_SPAN_SECONDS})::integer",
    f"{{}} / {_SPAN_SECONDS * 1_000_000}",
)
"""The span of a column with a time, in PostgreSQL and in SQLite."""
_SQLITE_SPAN = f"{{row}}.expected_start_time / {_SPAN_SECONDS * 1_000_000}"
_SQLITE_OLD = f"{{row}}.expected_start_time < (strftime('%s', 'now') - {_RECENT_SECONDS}) * 1000000"
_EVENTS = (
    ("insert", "INSERT", ("NEW",)),
    ("delete", "DELETE", ("OLD",)),
    ("update", f"UPDATE OF {_CHANGED}", ("OLD", "NEW")),
)
_POSTGRES_SPAN = f"floor(extract(epoch FROM {{row}}.expected_start_time) / {_SPAN_SECONDS})::integer"
_POSTGRES_FUNCTION = f"""
CREATE FUNCTION change_history() RETURNS trigger LANGUAGE plpgsql AS $change$
DECLARE
    old_span integer;
    new_span integer;
BEGIN
    IF TG_OP <> 'INSERT' THEN old_span := {_POSTGRES_SPAN.format(row="OLD")}; END IF;
    IF TG_OP <> 'DELETE' THEN new_span := {_POSTGRES_SPAN.format(row="NEW")}; END IF;
    PERFORM pg_advisory_xact_lock_shared({_LOCK});
    INSERT INTO history_changes (noun, span) SELECT noun, span FROM history_spans AS counted
    WHERE noun = TG_TABLE_NAME AND span IN (old_span, new_span)
    AND NOT EXISTS (SELECT 1 FROM history_changes WHERE noun = TG_TABLE_NAME AND span = counted.span);
    RETURN NULL;
END $change$
"""
_POSTGRES = (
    "CREATE TRIGGER history_{name} AFTER {event} ON {noun} FOR EACH ROW WHEN ({condition})"
    " EXECUTE FUNCTION change_history()"
)
_POSTGRES_OLD = f"{{row}}.expected_start_time < clock_timestamp() - interval '{_RECENT_SECONDS} seconds'"


async def note_changes(transaction: Connection, noun: str, spans: Collection[int]) -> None:
    """Say of spans that what was counted of them does not hold any more, as the triggers do for single changes."""
    if not spans:
        return
    if transaction.dialect is Dialect.POSTGRES:
        await transaction.execute(_LOCK_CLAIMS)
    await transaction.execute(_NOTE_CHANGES, noun, list(spans))


def statements(dialect: Dialect) -> list[str]:
    """What makes the triggers, once the tables are there."""
    triggers = [_trigger(dialect, noun, name, event, rows) for noun in NOUNS for name, event, rows in _EVENTS]
    return [_POSTGRES_FUNCTION.strip(), *triggers] if dialect is Dialect.POSTGRES else triggers


def _trigger(dialect: Dialect, noun: str, name: str, event: str, rows: tuple[str, ...]) -> str:
    if dialect is Dialect.POSTGRES:
        old = _condition(_POSTGRES_OLD, rows)
        return _POSTGRES.format(noun=noun, name=name, event=event, condition=old)
    old = _condition(_SQLITE_OLD, rows)
    spans = ", ".join(_SQLITE_SPAN.format(row=row) for row in rows)
    return _SQLITE.strip().format(noun=noun, name=name, event=event, condition=old, spans=spans)


def _condition(old: str, rows: tuple[str, ...]) -> str:
    """Some version of the row is old, and no operation has marked it, or takes its mark back."""
    condition = " OR ".join(old.format(row=row) for row in rows)
    by_hand = " AND ".join(f"{row}.deleted_by IS NULL" for row in rows)
    return condition if "OLD" not in rows else f"({condition}) AND {by_hand}"
