"""The fewest columns with which each noun can be stored, for tests of the store itself."""

from uuid import UUID

from headrace.server.store.base import Connection, Statement
from headrace.wire.ids import uuid7
from headrace.wire.times import now

ADD_FLOW = Statement("INSERT INTO flows (id, created, updated, name) VALUES ($1, $2, $2, $3)")
ADD_RUN = Statement("INSERT INTO flow_runs (id, created, updated, name, flow_id) VALUES ($1, $2, $2, $3, $4)")
NAMES = Statement("SELECT name FROM flows ORDER BY name")
COUNT = Statement("SELECT count(*) FROM flows")


async def add_flow(connection: Connection, name: str) -> UUID:
    flow_id = uuid7()
    await connection.execute(ADD_FLOW, flow_id, now(), name)
    return flow_id


async def names(connection: Connection) -> list[str]:
    return [row[0] for row in await connection.fetch(NAMES)]


async def count(connection: Connection) -> int:
    row = await connection.fetch_one(COUNT)
    assert row is not None
    return row[0]
