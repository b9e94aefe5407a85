"""What belongs to the flow runs of a filled database: for each of them a task run with its state, and a log line."""

import asyncio
import random
import sqlite3
from pathlib import Path

import asyncpg

from benchmarks import seeds

TABLES = ("flow_runs", "flow_run_states", "task_runs", "task_run_states", "logs")
"""So many rows there are for each run: one in each."""

_TASK_RUNS = """
INSERT INTO task_runs (id, created, updated, name, flow_run_id, task_key, dynamic_key, state_id, state_type, state_name,
    state_timestamp, run_count, expected_start_time, start_time, end_time, total_run_time)
SELECT {id}, created, updated, 'step-0', id, 'step', '0', {id}, state_type, state_name,
    state_timestamp, 1, expected_start_time, start_time, end_time, total_run_time FROM flow_runs
"""
_STATES = """
INSERT INTO task_run_states (id, created, task_run_id, type, name, timestamp)
SELECT state_id, created, id, state_type, state_name, state_timestamp FROM task_runs
"""
_LOGS = """
INSERT INTO logs (timestamp, id, created, name, level, message, flow_run_id)
SELECT start_time, {id}, created, 'prefect.flow_runs', 20, 'Finished one hour of work on ' || name, id FROM flow_runs
"""


def add_to_postgres(url: str) -> None:
    """Give every flow run of the database what belongs to it."""

    async def add() -> None:
        connection = await asyncpg.connect(url)
        for statement in (_TASK_RUNS, _STATES, _LOGS):
            await connection.execute(statement.format(id=seeds.ID.replace("ts", "created")))
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
        await connection.close()

    asyncio.run(add())


def add_to_sqlite(path: Path) -> None:
    """The same for a SQLite file that no server has open."""
    chance = random.Random(2)

    def uuid7(micros: int) -> str:
        return str(seeds.uuid7(micros // 1000, chance))

    db = sqlite3.connect(path)
    db.create_function("uuid7", 1, uuid7)
    db.execute("PRAGMA cache_size = -500000")
    for statement in (_TASK_RUNS, _STATES, _LOGS):
        db.execute(statement.format(id="uuid7(created)"))
    db.commit()
    db.execute("ANALYZE")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
