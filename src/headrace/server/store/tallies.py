"""How many rows a table shows, kept up by triggers, so that a count of everything reads a few rows.

`tallies` holds a row for each noun and slot; their sum is the number of rows that are not deleted. In
PostgreSQL the slot goes by the backend, so that writers on different connections do not wait for each other;
SQLite has one writer and one slot. Triggers hold for every way of writing: cascades, COPY, SQL typed by hand; but what
an operation marks as deleted, or gives back, it counts itself (`server/trash/`), many rows by one statement.
"""

from headrace.server.store.base import Dialect, Statement

NOUNS = ("flow_runs", "task_runs")
_SLOTS = 1024

TOTAL = Statement("SELECT coalesce(sum(total), 0) FROM tallies WHERE noun = $1")
"""How many rows of a noun there are. On PostgreSQL as `numeric`, so pass it through `int`."""

ADD = Statement(
    f"INSERT INTO tallies (noun, slot, total) VALUES ($1, pg_backend_pid() % {_SLOTS}, $2)"
    " ON CONFLICT (noun, slot) DO UPDATE SET total = tallies.total + excluded.total",
    sqlite="INSERT INTO tallies (noun, slot, total) VALUES ($1, 0, $2)"
    " ON CONFLICT (noun, slot) DO UPDATE SET total = total + excluded.total",
)
"""Count so many rows of a noun in, or out where the number is negative."""

_SQLITE = """
CREATE TRIGGER tally_{noun}_{name} AFTER {event} ON {noun} WHEN {condition}
BEGIN
    INSERT INTO tallies (noun, slot, total) VALUES ('{noun}', 0, {change})
    ON CONFLICT (noun, slot) DO UPDATE SET total = total + excluded.total;
END
"""
_POSTGRES_FUNCTION = f"""
CREATE FUNCTION tally() RETURNS trigger LANGUAGE plpgsql AS $tally$
DECLARE
    change bigint;
BEGIN
    CASE TG_OP
        WHEN 'INSERT' THEN SELECT count(*) INTO change FROM changed WHERE deleted_at IS NULL;
        WHEN 'DELETE' THEN SELECT -count(*) INTO change FROM changed WHERE deleted_at IS NULL;
        ELSE change := CASE WHEN NEW.deleted_at IS NULL THEN 1 ELSE -1 END;
    END CASE;
    IF change <> 0 THEN
        INSERT INTO tallies (noun, slot, total) VALUES (TG_TABLE_NAME, pg_backend_pid() % {_SLOTS}, change)
        ON CONFLICT (noun, slot) DO UPDATE SET total = tallies.total + excluded.total;
    END IF;
    RETURN NULL;
END $tally$
"""
_POSTGRES = (
    "CREATE TRIGGER tally_insert AFTER INSERT ON {noun} REFERENCING NEW TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION tally()",
    "CREATE TRIGGER tally_delete AFTER DELETE ON {noun} REFERENCING OLD TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION tally()",
    "CREATE TRIGGER tally_mark AFTER UPDATE OF deleted_at ON {noun} FOR EACH ROW"
    " WHEN ((OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL) AND OLD.deleted_by IS NULL AND NEW.deleted_by IS NULL)"
    " EXECUTE FUNCTION tally()",
)
_EVENTS = (
    ("insert", "INSERT", "NEW.deleted_at IS NULL", "1"),
    ("delete", "DELETE", "OLD.deleted_at IS NULL", "-1"),
    (
        "mark",
        "UPDATE OF deleted_at",
        "(OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL) AND OLD.deleted_by IS NULL AND NEW.deleted_by IS NULL",
        "CASE WHEN NEW.deleted_at IS NULL THEN 1 ELSE -1 END",
    ),
)


def statements(dialect: Dialect) -> list[str]:
    """What makes the triggers, once the tables are there and empty."""
    if dialect is Dialect.POSTGRES:
        triggers = [trigger.format(noun=noun) for noun in NOUNS for trigger in _POSTGRES]
        return [_POSTGRES_FUNCTION.strip(), *triggers]
    return [
        _SQLITE.strip().format(noun=noun, name=name, event=event, condition=condition, change=change)
        for noun in NOUNS
        for name, event, condition, change in _EVENTS
    ]


def removal(dialect: Dialect) -> list[str]:
    """What takes back that which dropping the tables leaves behind."""
    return ["DROP FUNCTION tally() CASCADE"] if dialect is Dialect.POSTGRES else []
