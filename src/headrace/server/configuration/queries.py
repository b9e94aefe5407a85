"""Statements on the server's own values."""

from headrace.server.store.base import Statement

READ = Statement("SELECT value FROM configuration WHERE key = $1 AND deleted_at IS NULL")
_INSERT = """
    INSERT INTO configuration (id, created, updated, key, value) VALUES ($1, $2, $2, $3, $4)
    ON CONFLICT (key) WHERE deleted_at IS NULL
"""
OFFER = Statement(f"{_INSERT} DO NOTHING")
WRITE = Statement(f"{_INSERT} DO UPDATE SET value = excluded.value, updated = excluded.updated")
DELETE = Statement("DELETE FROM configuration WHERE key = $1 AND deleted_at IS NULL")
