"""Which counted hours of history still hold, kept true by triggers.

`history_minutes` counts the runs that were expected in each minute of the hours in `history_hours`. Whatever
changes a run of such an hour adds the hour to `history_changes` in the same transaction, and from then on it
is not counted any more, until somebody counts it again (`server/history/`). Adding a row waits for nobody.

The triggers do nothing for runs of the last hour, so that making a run and moving it through its states costs a
comparison. That is safe because hours are counted `COUNTED_AFTER` at the earliest, and in PostgreSQL only while
no transaction has been open for so long that it may have passed the comparison before (`IS_QUIET`). There,
changes of older runs share a lock, which whoever claims an hour to count it asks for alone.
"""

from datetime import timedelta

from headrace.server.store.base import Dialect, Statement

NOUNS = ("flow_runs", "task_runs")
COUNTED_AFTER = timedelta(hours=2)
"""How long after its end an hour is counted."""

_LOCK = 7_465_227_041
IS_QUIET = Statement(
    f"""
    SELECT pg_try_advisory_xact_lock({_LOCK}) AND NOT EXISTS (
        SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
        AND backend_xid IS NOT NULL AND xact_start < clock_timestamp() - interval '30 minutes'
    )
    """,
    sqlite="SELECT 1",
)
"""Whether hours may be claimed in this transaction; if so, changes of old runs wait until it ends."""

_CHANGED = "expected_start_time, state_type, state_name, state_timestamp, start_time, total_run_time, deleted_at"
_SQLITE = """
CREATE TRIGGER history_{noun}_{name} AFTER {event} ON {noun} WHEN {condition}
BEGIN
    INSERT INTO history_changes (noun, hour) SELECT noun, hour FROM history_hours AS counted
    WHERE noun = '{noun}' AND hour IN ({hours})
    AND NOT EXISTS (SELECT 1 FROM history_changes WHERE noun = '{noun}' AND hour = counted.hour);
END
"""
_SQLITE_HOUR = "{row}.expected_start_time / 3600000000"
_SQLITE_OLD = "{row}.expected_start_time < (strftime('%s', 'now') - 3600) * 1000000"
_EVENTS = (
    ("insert", "INSERT", ("NEW",)),
    ("delete", "DELETE", ("OLD",)),
    ("update", f"UPDATE OF {_CHANGED}", ("OLD", "NEW")),
)
_POSTGRES_FUNCTION = f"""
CREATE FUNCTION change_history() RETURNS trigger LANGUAGE plpgsql AS $change$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({_LOCK});
    INSERT INTO history_changes (noun, hour) SELECT noun, hour FROM history_hours AS counted
    WHERE noun = TG_TABLE_NAME AND hour IN (
        floor(extract(epoch FROM CASE WHEN TG_OP <> 'INSERT' THEN OLD.expected_start_time END) / 3600)::integer,
        floor(extract(epoch FROM CASE WHEN TG_OP <> 'DELETE' THEN NEW.expected_start_time END) / 3600)::integer
    )
    AND NOT EXISTS (SELECT 1 FROM history_changes WHERE noun = TG_TABLE_NAME AND hour = counted.hour);
    RETURN NULL;
END $change$
"""
_POSTGRES = (
    "CREATE TRIGGER history_{name} AFTER {event} ON {noun} FOR EACH ROW WHEN ({condition})"
    " EXECUTE FUNCTION change_history()"
)
_POSTGRES_OLD = "{row}.expected_start_time < clock_timestamp() - interval '1 hour'"


def statements(dialect: Dialect) -> list[str]:
    """What makes the triggers, once the tables are there."""
    triggers = [_trigger(dialect, noun, name, event, rows) for noun in NOUNS for name, event, rows in _EVENTS]
    return [_POSTGRES_FUNCTION.strip(), *triggers] if dialect is Dialect.POSTGRES else triggers


def _trigger(dialect: Dialect, noun: str, name: str, event: str, rows: tuple[str, ...]) -> str:
    if dialect is Dialect.POSTGRES:
        old = " OR ".join(_POSTGRES_OLD.format(row=row) for row in rows)
        return _POSTGRES.format(noun=noun, name=name, event=event, condition=old)
    old = " OR ".join(_SQLITE_OLD.format(row=row) for row in rows)
    hours = ", ".join(_SQLITE_HOUR.format(row=row) for row in rows)
    return _SQLITE.strip().format(noun=noun, name=name, event=event, condition=old, hours=hours)
