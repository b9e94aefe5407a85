"""Statements on variables, and the reader of their rows."""

from functools import lru_cache

from headrace.server.filters.objects import Objects
from headrace.server.store.base import Statement
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.wire.variables import Variable

VARIABLES = Reader(
    Variable,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "updated": Kind.TIME,
        "name": Kind.TEXT,
        "value": JSON(),
        "tags": JSON(list[str]),
    },
)
_COLUMNS = VARIABLES.columns()

INSERT = Statement(
    "INSERT INTO variables (id, created, updated, name, value, tags) VALUES ($1, $2, $2, $3, $4, $5)"
    " ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING"
)
BY_ID = Statement(f"SELECT {_COLUMNS} FROM variables WHERE id = $1 AND deleted_at IS NULL")
BY_NAME = Statement(f"SELECT {_COLUMNS} FROM variables WHERE name = $1 AND deleted_at IS NULL")
BY_NAMES = Statement(
    f"SELECT {_COLUMNS} FROM variables WHERE name = ANY($1::text[]) AND deleted_at IS NULL",
    sqlite=f"SELECT {_COLUMNS} FROM variables WHERE name IN (SELECT value FROM json_each($1)) AND deleted_at IS NULL",
)

LIST = Objects(
    "variables",
    VARIABLES,
    orders={
        "CREATED_DESC": "created DESC, id DESC",
        "UPDATED_DESC": "updated DESC, id DESC",
        "NAME_ASC": "name ASC",
        "NAME_DESC": "name DESC",
    },
)


@lru_cache
def change(key: str, columns: tuple[str, ...]) -> Statement:
    """Set columns of the variable whose `key`, its id or name, is the first value; answers all of it."""
    assigned = ", ".join(f"{column} = ${number}" for number, column in enumerate(columns, 2))
    return Statement(f"UPDATE variables SET {assigned} WHERE {key} = $1 AND deleted_at IS NULL RETURNING {_COLUMNS}")
