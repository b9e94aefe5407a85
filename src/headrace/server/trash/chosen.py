"""Statements about the rows whose ids are their first value, a list."""

from typing import Any

from headrace.server.store.base import Connection, Row, Statement, Store, View


def chosen(text: str, **spelled: tuple[str, str]) -> Statement:
    """The statement of a text in which `{among}` stands for "is one of the ids".

    Other names in braces stand for what PostgreSQL and SQLite spell differently.

    >>> chosen("SELECT id FROM flows WHERE id {among} AND deleted_at IS NULL ORDER BY id {lock}", lock=LOCK)
    """
    postgres = {name: of_both[0] for name, of_both in spelled.items()}
    sqlite = {name: of_both[1] for name, of_both in spelled.items()}
    return Statement(
        text.format(among="= ANY($1::uuid[])", **postgres),
        sqlite=text.format(among="IN (SELECT value FROM json_each($1))", **sqlite),
    )


async def rows_of(connection: Connection | View, statement: Statement, *values: Any) -> list[Row]:
    """The rows of a statement, in a transaction or of a view's moment."""
    if isinstance(connection, Store) or not hasattr(connection, "fetch"):
        view: Any = connection
        return await view.scan(statement, *values)
    transaction: Any = connection
    return await transaction.fetch(statement, *values)


LOCK = ("FOR UPDATE", "")
"""Alone with the rows, also against those who refer to them by a foreign key."""
