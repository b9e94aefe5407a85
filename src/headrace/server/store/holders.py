"""Whoever is deleted gives back the slots it holds, kept true by triggers.

A lease names the run that holds it. Whichever way that run is deleted (with its flow, with the flow run that
encloses it, by SQL typed by hand) or marked as deleted, its leases go with it in the same transaction. Only an
operation, which marks many runs at once, ends their leases itself (`server/trash/`).
"""

from headrace.server.store.base import Dialect

_NOUNS = ("flow_runs", "task_runs")

_SQLITE = """
CREATE TRIGGER release_{noun}_{name} AFTER {event} ON {noun}{condition}
BEGIN
    DELETE FROM concurrency_leases WHERE holder_id = OLD.id;
END
"""
# Leases are locked in the order of their ids, as everywhere, so that two who end the same ones never wait in a circle.
_POSTGRES_FUNCTION = """
CREATE FUNCTION release() RETURNS trigger LANGUAGE plpgsql AS $release$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM concurrency_leases WHERE id IN (
            SELECT l.id FROM concurrency_leases l JOIN gone g ON g.id = l.holder_id ORDER BY l.id FOR UPDATE OF l
        );
    ELSE
        DELETE FROM concurrency_leases WHERE id IN (
            SELECT l.id FROM concurrency_leases l WHERE l.holder_id = NEW.id ORDER BY l.id FOR UPDATE
        );
    END IF;
    RETURN NULL;
END $release$
"""
_POSTGRES = (
    "CREATE TRIGGER release_delete AFTER DELETE ON {noun} REFERENCING OLD TABLE AS gone"
    " FOR EACH STATEMENT EXECUTE FUNCTION release()",
    "CREATE TRIGGER release_mark AFTER UPDATE OF deleted_at ON {noun} FOR EACH ROW"
    " WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL AND NEW.deleted_by IS NULL)"
    " EXECUTE FUNCTION release()",
)
_EVENTS = (
    ("delete", "DELETE", ""),
    (
        "mark",
        "UPDATE OF deleted_at",
        " WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL AND NEW.deleted_by IS NULL",
    ),
)


def statements(dialect: Dialect) -> list[str]:
    """What makes the triggers, once the tables are there."""
    if dialect is Dialect.POSTGRES:
        triggers = [trigger.format(noun=noun) for noun in _NOUNS for trigger in _POSTGRES]
        return [_POSTGRES_FUNCTION.strip(), *triggers]
    return [
        _SQLITE.strip().format(noun=noun, name=name, event=event, condition=condition)
        for noun in _NOUNS
        for name, event, condition in _EVENTS
    ]
