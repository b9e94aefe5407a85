"""Databases filled with flow runs, by SQL: seven days of them, nine in ten completed, each with its one state.

Both products get the same runs: twenty flows, a twentieth of the runs tagged "bench", each a minute long. Ours can have
deleted ones among them, or before all of them, which an operation has marked.
"""

import asyncio
import random
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

DAYS = 7
_FLOWS = 20
_OPERATION = UUID("0199c0de-0000-7000-8000-000000000001")
"""By which the deleted ones were deleted."""
_STATE = "CASE WHEN p < .9 THEN 'COMPLETED' WHEN p < .97 THEN 'FAILED' WHEN p < .99 THEN 'CRASHED' ELSE 'CANCELLED' END"
ID = (
    "(lpad(to_hex(floor(extract(epoch FROM ts) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3)"
    " || '8' || substr(md5(random()::text), 1, 15))::uuid"
)
_POSTGRES_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY($1) AND indexname NOT IN (
    SELECT conname FROM pg_constraint
)
"""
"""Made again after the rows, which takes a third of the time."""
_SQLITE_INDEXES = """
SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL
AND tbl_name IN ('flow_runs', 'flow_run_states', 'flow_run', 'flow_run_state')
"""
_RUNS = f"""
CREATE TEMP TABLE seed AS SELECT {ID} AS id, {ID} AS state_id, number, ts, p, {_STATE} AS type,
    number % $2 = 0 OR number <= $3 AS gone
FROM (SELECT number, now() - number * (interval '{DAYS} days' / $1::float8) AS ts, random() AS p
      FROM generate_series($1::integer, 1, -1) AS number) AS drawn
"""
_OURS = (
    f"""
    INSERT INTO flows (id, created, updated, name)
    SELECT gen_random_uuid(), now(), now(), 'flow-' || number FROM generate_series(0, {_FLOWS - 1}) AS number
    """,
    f"""
    INSERT INTO flow_runs (id, created, updated, name, flow_id, state_id, state_type, state_name, state_timestamp,
        run_count, expected_start_time, start_time, end_time, total_run_time, tags, parameters, deleted_at, deleted_by)
    SELECT seed.id, ts, ts, 'run-' || number, flows.id, state_id, type, initcap(type), ts + interval '60 s',
        1, ts, ts + interval '1 s', ts + interval '60 s', 60,
        CASE WHEN p < .05 THEN '["bench","etl"]'::jsonb ELSE '["etl"]'::jsonb END, '{{"x": 1}}',
        CASE WHEN gone THEN now() END, CASE WHEN gone THEN '{_OPERATION}'::uuid END
    FROM seed JOIN flows ON flows.name = 'flow-' || number % {_FLOWS}
    """,
    """
    INSERT INTO flow_run_states (id, created, flow_run_id, type, name, timestamp)
    SELECT state_id, ts, id, type, initcap(type), ts + interval '60 s' FROM seed
    """,
)
_PEERS = (
    f"INSERT INTO flow (id, name) SELECT gen_random_uuid(), 'flow-' || number"
    f" FROM generate_series(0, {_FLOWS - 1}) AS number",
    f"""
    INSERT INTO flow_run (id, flow_id, name, state_type, state_name, state_timestamp,
        run_count, expected_start_time, start_time, end_time, total_run_time, tags, parameters)
    SELECT seed.id, flow.id, 'run-' || number, type::state_type, initcap(type), ts + interval '60 s',
        1, ts, ts + interval '1 s', ts + interval '60 s', interval '60 s',
        CASE WHEN p < .05 THEN '["bench","etl"]'::jsonb ELSE '["etl"]'::jsonb END, '{{"x": 1}}'
    FROM seed JOIN flow ON flow.name = 'flow-' || number % {_FLOWS}
    """,
    """
    INSERT INTO flow_run_state (id, flow_run_id, type, name, timestamp)
    SELECT state_id, id, type::state_type, initcap(type), ts + interval '60 s' FROM seed
    """,
    "UPDATE flow_run SET state_id = seed.state_id FROM seed WHERE seed.id = flow_run.id",
)


def fill_postgres(product: str, url: str, runs: int, deleted: int = 0, *, newest: bool = False) -> None:
    """Add that many runs to the product's database, whose schema is there already.

    And deleted ones: among them, or all of them the newest.
    """

    async def fill() -> None:
        connection = await asyncpg.connect(url)
        every, first = _which(runs, deleted, newest)
        numbers = {"$1": runs + deleted, "$2": every, "$3": first}
        text = _RUNS
        for place, number in numbers.items():
            text = text.replace(place, str(number))
        await connection.execute(text)
        tables = ["flow_runs", "flow_run_states"] if product == "headrace" else ["flow_run", "flow_run_state"]
        indexes = await connection.fetch(_POSTGRES_INDEXES, tables)
        for name, _ in indexes:
            await connection.execute(f"DROP INDEX {name}")
        for statement in _OURS if product == "headrace" else _PEERS:
            await connection.execute(statement)
        for _, definition in indexes:
            await connection.execute(definition)
        await connection.execute("VACUUM ANALYZE")
        await connection.close()

    asyncio.run(fill())


def fill_sqlite(product: str, path: Path, runs: int, deleted: int = 0, *, newest: bool = False) -> None:
    """The same for a SQLite file that no server has open."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA cache_size = -500000")
    indexes = db.execute(_SQLITE_INDEXES).fetchall()
    for name, _ in indexes:
        db.execute(f"DROP INDEX {name}")
    if product == "headrace":
        _fill_ours(db, runs, deleted, newest)
    else:
        _fill_peers(db, runs)
    for _, definition in indexes:
        db.execute(definition)
    db.commit()
    db.execute("ANALYZE")
    db.close()


def _which(runs: int, deleted: int, newest: bool) -> tuple[int, int]:
    """Which of the runs are deleted: those whose number the first divides, and those up to the second, the newest."""
    return (runs + deleted + 1, deleted) if newest or not deleted else ((runs + deleted) // deleted, 0)


def _drawn(runs: int) -> Iterator[tuple[UUID, UUID, int, datetime, str, str]]:
    chance, now = random.Random(1), datetime.now(UTC)
    for number in range(runs, 0, -1):
        moment = now - number * (timedelta(days=DAYS) / runs)
        p = chance.random()
        type_ = "COMPLETED" if p < 0.9 else "FAILED" if p < 0.97 else "CRASHED" if p < 0.99 else "CANCELLED"
        tags = '["bench","etl"]' if p < 0.05 else '["etl"]'
        millis = int(moment.timestamp() * 1000)
        yield uuid7(millis, chance), uuid7(millis, chance), number, moment, type_, tags


def uuid7(millis: int, chance: random.Random) -> UUID:
    """An id of that instant, which the same numbers make again."""
    return UUID(int=millis << 80 | 7 << 76 | chance.getrandbits(12) << 64 | 2 << 62 | chance.getrandbits(62))


def _fill_ours(db: sqlite3.Connection, runs: int, deleted: int, newest: bool) -> None:
    (every, first), deleted_at = _which(runs, deleted, newest), int(datetime.now(UTC).timestamp() * 1e6)
    flows = [str(uuid4()) for _ in range(_FLOWS)]
    db.executemany(
        "INSERT INTO flows (id, created, updated, name) VALUES (?, 0, 0, ?)",
        [(id_, f"flow-{number}") for number, id_ in enumerate(flows)],
    )

    def row(drawn: tuple[UUID, UUID, int, datetime, str, str]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        id_, state, number, moment, type_, tags = drawn
        ts, name = int(moment.timestamp() * 1e6), type_.capitalize()
        run = (str(id_), ts, ts, f"run-{number}", flows[number % _FLOWS], str(state), type_, name, ts + 60_000_000)
        times = (ts, ts + 1_000_000, ts + 60_000_000, 60.0)
        marks = (deleted_at, str(_OPERATION)) if number % every == 0 or number <= first else (None, None)
        return (*run, 1, *times, tags, '{"x":1}', *marks), (str(state), ts, str(id_), type_, name, ts + 60_000_000)

    _insert(
        db,
        runs + deleted,
        row,
        "INSERT INTO flow_runs (id, created, updated, name, flow_id, state_id, state_type, state_name, state_timestamp,"
        " run_count, expected_start_time, start_time, end_time, total_run_time, tags, parameters,"
        " deleted_at, deleted_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "INSERT INTO flow_run_states (id, created, flow_run_id, type, name, timestamp) VALUES (?, ?, ?, ?, ?, ?)",
    )


def _fill_peers(db: sqlite3.Connection, runs: int) -> None:
    flows = [str(uuid4()) for _ in range(_FLOWS)]
    db.executemany(
        "INSERT INTO flow (id, name) VALUES (?, ?)", [(id_, f"flow-{number}") for number, id_ in enumerate(flows)]
    )

    def text(moment: datetime) -> str:
        return moment.strftime("%Y-%m-%d %H:%M:%S.%f")

    def row(drawn: tuple[UUID, UUID, int, datetime, str, str]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        id_, state, number, moment, type_, tags = drawn
        name, start, end = type_.capitalize(), moment + timedelta(seconds=1), moment + timedelta(seconds=60)
        run = (str(id_), flows[number % _FLOWS], f"run-{number}", str(state), type_, name, text(end))
        times = (text(moment), text(start), text(end), "1970-01-01 00:01:00.000000")
        return (*run, 1, *times, tags, '{"x":1}'), (str(state), str(id_), type_, name, text(end))

    _insert(
        db,
        runs,
        row,
        "INSERT INTO flow_run (id, flow_id, name, state_id, state_type, state_name, state_timestamp,"
        " run_count, expected_start_time, start_time, end_time, total_run_time, tags, parameters)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "INSERT INTO flow_run_state (id, flow_run_id, type, name, timestamp) VALUES (?, ?, ?, ?, ?)",
    )


def _insert(
    db: sqlite3.Connection,
    runs: int,
    row: Callable[[tuple[UUID, UUID, int, datetime, str, str]], tuple[tuple[Any, ...], tuple[Any, ...]]],
    run_sql: str,
    state_sql: str,
) -> None:
    batch: list[tuple[tuple[Any, ...], tuple[Any, ...]]] = []
    for drawn in _drawn(runs):
        batch.append(row(drawn))
        if len(batch) == 10_000:
            _flush(db, batch, run_sql, state_sql)
    _flush(db, batch, run_sql, state_sql)


def _flush(
    db: sqlite3.Connection, batch: list[tuple[tuple[Any, ...], tuple[Any, ...]]], run_sql: str, state_sql: str
) -> None:
    db.executemany(run_sql, [run for run, _ in batch])
    db.executemany(state_sql, [state for _, state in batch])
    batch.clear()
