"""Processes that are killed, and processes that share a database."""

import asyncio
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from headrace.server.store import make_store
from headrace.server.store.base import Statement, Store
from headrace.settings import Settings
from tests.server.store import writing_process
from tests.server.store.writing_process import add_flow_with_run

RUNS = Statement("SELECT r.name FROM flow_runs r JOIN flows f ON f.id = r.flow_id AND f.name = r.name")
FLOWS = Statement("SELECT name FROM flows")


@contextmanager
def writing(settings: Settings, name: str) -> Iterator[subprocess.Popen[str]]:
    """A process that writes to that database until it is killed, at the latest when the block ends."""
    process = subprocess.Popen(
        [sys.executable, writing_process.__file__, settings.home, settings.server.database.url or "", name],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def kill_after(process: subprocess.Popen[str], lines: int) -> list[str]:
    """Kill it (SIGKILL) once it has acknowledged so many transactions; all that it acknowledged, and no error."""
    assert process.stdout is not None
    read = [process.stdout.readline() for _ in range(lines)]
    process.kill()
    rest, errors = process.communicate()
    assert all(read), f"the process ended early: {errors}"
    assert process.returncode == -9
    return [line for line in (*[line.strip() for line in read], *rest.split("\n")[:-1]) if line]


async def test_every_acknowledged_write_survives_kill_9_at_any_moment(database_settings: Settings) -> None:
    acknowledged: set[str] = set()
    for round_ in range(4):
        with writing(database_settings, f"round{round_}") as process:
            numbers = await asyncio.to_thread(kill_after, process, random.randint(1, 300))
        acknowledged |= {f"round{round_}-{number}" for number in numbers}
        _check_file(database_settings)
    store = make_store(database_settings)
    await store.open()
    flows = {row[0] for row in await store.scan(FLOWS)}
    runs = {row[0] for row in await store.scan(RUNS)}
    await store.close()
    assert acknowledged <= runs
    assert flows == runs, "a transaction is there as a whole or not at all"


def _check_file(settings: Settings) -> None:
    if settings.server.database.url is None:
        db = sqlite3.connect(settings.home / "headrace.db")
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        db.close()


async def test_processes_that_write_to_one_database_at_once_lose_nothing_and_see_no_error(
    database_settings: Settings, store: Store
) -> None:
    """Two other processes and this one; on SQLite they take turns at the file's one lock."""
    with writing(database_settings, "a") as first, writing(database_settings, "b") as second:
        others = [asyncio.create_task(asyncio.to_thread(kill_after, process, 150)) for process in (first, second)]
        own = 0
        while not all(other.done() for other in others):
            await add_flow_with_run(store, f"own-{own}")
            own += 1
        a, b = await asyncio.gather(*others)
    runs = {row[0] for row in await store.scan(RUNS)}
    expected = {f"a-{number}" for number in a} | {f"b-{number}" for number in b} | {f"own-{n}" for n in range(own)}
    assert expected <= runs
    assert own > 0
