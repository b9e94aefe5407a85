"""What can be done with the server's own values; each is any JSON value."""

from datetime import datetime
from typing import Any

import msgspec

from headrace.server.configuration import queries
from headrace.server.store.base import Connection
from headrace.wire.base import encode_text
from headrace.wire.ids import uuid7


async def read(connection: Connection, key: str) -> Any:
    """The value of a key, or None."""
    row = await connection.fetch_one(queries.READ, key)
    return None if row is None else msgspec.json.decode(row[0])


async def write(connection: Connection, key: str, value: Any, now: datetime) -> None:
    """Keep a value, in the place of what was kept before."""
    await connection.execute(queries.WRITE, uuid7(), now, key, encode_text(value))


async def offer(connection: Connection, key: str, value: Any, now: datetime) -> Any:
    """Keep a value unless there is one; the value that is kept then, so that all who offer agree."""
    await connection.execute(queries.OFFER, uuid7(), now, key, encode_text(value))
    return await read(connection, key)


async def delete(connection: Connection, key: str) -> None:
    """Forget a value, if there is one."""
    await connection.execute(queries.DELETE, key)
