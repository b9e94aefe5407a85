"""Statements on flows, and the reader of their rows."""

from headrace.server.filters import Query
from headrace.server.store.base import Statement
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.wire.flows import Flow, Labels

FLOWS = Reader(
    Flow,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "updated": Kind.TIME,
        "name": Kind.TEXT,
        "tags": JSON(list[str]),
        "labels": JSON(Labels),
    },
)
_COLUMNS = FLOWS.columns()

INSERT = Statement(
    f"INSERT INTO flows (id, created, updated, name, tags, labels) VALUES ($1, $2, $2, $3, $4, $5)"
    f" ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING RETURNING {_COLUMNS}"
)
BY_ID = Statement(f"SELECT {_COLUMNS} FROM flows WHERE id = $1 AND deleted_at IS NULL")
BY_IDS = Statement(
    f"SELECT {_COLUMNS} FROM flows WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL ORDER BY id",
    sqlite=f"SELECT {_COLUMNS} FROM flows WHERE id IN (SELECT value FROM json_each($1)) AND deleted_at IS NULL"
    " ORDER BY id",
)
BY_NAME = Statement(f"SELECT {_COLUMNS} FROM flows WHERE name = $1 AND deleted_at IS NULL")
_CHANGED = f"WHERE id = $1 AND deleted_at IS NULL RETURNING {_COLUMNS}"
SET_TAGS = Statement(f"UPDATE flows SET updated = $2, tags = $3 {_CHANGED}")
TOUCH = Statement(f"UPDATE flows SET updated = $2 {_CHANGED}")

_ORDERS = {
    "CREATED_DESC": "created DESC, id DESC",
    "UPDATED_DESC": "updated DESC, id DESC",
    "NAME_ASC": "name ASC",
    "NAME_DESC": "name DESC",
}
LIST = Query(
    "flows",
    _COLUMNS,
    "{matching} ORDER BY {order} LIMIT {limit} OFFSET {offset}",
    orders=_ORDERS,
    extras=("limit", "offset"),
)
COUNT = Query("flows", "flows.id", "SELECT count(*) FROM ({matching}) AS matching")
