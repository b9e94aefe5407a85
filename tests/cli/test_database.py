"""`headrace server database` on both databases: the tables come, go back and are made anew when it is agreed to."""

import asyncio
import json
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.cli.conftest import Command
from tests.processes import HEADRACE, clean_environ, serving

_LINES = 60_000
"""So many that their indexes are worth building anew."""


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/runs.db"
    fresh: Callable[[], str] = request.getfixturevalue("fresh_postgres_url")
    return fresh()


def revision(headrace: Command, database: str) -> str:
    answer = headrace("server", "database", "status", "-o", "json", HEADRACE_SERVER_DATABASE_URL=database)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)["revision"]


def test_tables_come_and_go(headrace: Command, database: str) -> None:
    def change(*arguments: str) -> str:
        answer = headrace("server", "database", *arguments, "--yes", HEADRACE_SERVER_DATABASE_URL=database)
        assert answer.returncode == 0, answer.stderr
        return answer.stderr

    assert revision(headrace, database) == "no tables yet"
    assert "is upgraded; its revision is 0" in change("upgrade")
    newest = revision(headrace, database)
    assert newest[0] == "0"
    assert "no tables" in change("downgrade", "--revision", "base")
    change("upgrade")
    assert "is reset" in change("reset")
    assert revision(headrace, database) == newest


def test_nothing_changes_unless_it_is_agreed_to(headrace: Command, database: str) -> None:
    for command in ("upgrade", "downgrade", "reset"):
        answer = headrace("server", "database", command, HEADRACE_SERVER_DATABASE_URL=database)
        assert answer.returncode == 2
        assert "add --yes" in answer.stderr
    assert revision(headrace, database) == "no tables yet"


def test_a_served_database_is_left_alone(headrace: Command) -> None:
    assert headrace("server", "start", "--background", "--port", "0").returncode == 0
    try:
        answer = headrace("server", "database", "reset", "--yes")
        assert answer.returncode == 1
        assert "stop it first with headrace server stop" in answer.stderr
    finally:
        headrace("server", "stop")


def test_a_database_of_a_newer_version_is_one_line_and_left_as_it_is(headrace: Command, tmp_path: Path) -> None:
    headrace("server", "database", "upgrade", "--yes")
    with sqlite3.connect(tmp_path / "headrace.db") as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.close()
    for arguments in (["server", "start", "--port", "0"], ["server", "database", "upgrade", "--yes"]):
        answer = headrace(*arguments)
        assert answer.returncode == 1
        (line,) = answer.stderr.splitlines()
        assert "9999" in line
        assert "install a newer headrace" in line


def test_a_file_that_cannot_shrink_says_so_and_is_written_anew(headrace: Command, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "headrace.db") as db:
        db.executescript("PRAGMA auto_vacuum = NONE; CREATE TABLE made (x); DROP TABLE made")
    db.close()
    headrace("server", "database", "upgrade", "--yes")
    status = json.loads(headrace("server", "database", "status", "-o", "json").stdout)
    assert "database compact" in status["shrinks"]
    answer = headrace("server", "database", "compact", "--yes")
    assert answer.returncode == 0, answer.stderr
    assert "from now on it shrinks by itself" in answer.stderr
    status = json.loads(headrace("server", "database", "status", "-o", "json").stdout)
    assert (status["shrinks"], status["empty"]) == ("by itself", "0.0 MB")


def test_postgresql_is_compacted_beside_a_server(headrace: Command, tmp_path: Path, postgres_url: str) -> None:
    fill(headrace, postgres_url)
    asked(postgres_url, "VACUUM logs")  # so that statistics tell of it at once
    status = headrace("server", "database", "status", HEADRACE_SERVER_DATABASE_URL=postgres_url)
    assert re.search(r"empty +about [1-9]", status.stdout)
    with serving(tmp_path, postgres_url):
        answer = headrace("server", "database", "compact", "--yes", HEADRACE_SERVER_DATABASE_URL=postgres_url)
    assert answer.returncode == 0, answer.stderr
    assert "can be given back" in answer.stderr
    assert "rows moved" in answer.stderr
    assert "anew" in answer.stderr
    assert " MB less." in answer.stderr.splitlines()[-1]
    assert asked(postgres_url, "SELECT count(*) FROM logs") == _LINES // 10


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_compacting_can_be_ended_at_any_moment(
    headrace: Command, tmp_path: Path, postgres_url: str, number: signal.Signals
) -> None:
    fill(headrace, postgres_url)
    environ = clean_environ(tmp_path) | {"HEADRACE_SERVER_DATABASE_URL": postgres_url}
    invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
    building = "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database()"
    with reading(postgres_url):  # an index that is built anew waits for whoever reads
        process = subprocess.Popen(
            [HEADRACE, "server", "database", "compact", "-y"], env=environ, stderr=subprocess.PIPE, text=True
        )
        until(lambda: bool(asked(postgres_url, invalid)) or process.poll() is not None)
        process.send_signal(number)
        _, shown = process.communicate(timeout=60)
        assert process.returncode != 0, shown
        until(lambda: not asked(postgres_url, building))
    assert process.returncode != 0
    if number == signal.SIGINT:
        assert "Interrupted. Nothing is lost" in shown.splitlines()[-1]
        assert not asked(postgres_url, invalid)
    answer = headrace("server", "database", "compact", "--yes", HEADRACE_SERVER_DATABASE_URL=postgres_url)
    assert answer.returncode == 0, answer.stderr
    assert not asked(postgres_url, invalid)
    assert asked(postgres_url, "SELECT count(*) FROM logs") == _LINES // 10


def fill(headrace: Command, url: str) -> None:
    """A database with log lines, nine tenths of which were deleted."""
    answer = headrace("server", "database", "upgrade", "--yes", HEADRACE_SERVER_DATABASE_URL=url)
    assert answer.returncode == 0, answer.stderr
    asked(
        url,
        "INSERT INTO logs (id, created, name, level, message, timestamp, flow_run_id) SELECT gen_random_uuid(), now(),"
        " 'log', 20, n::text, now() + n * interval '1 ms', gen_random_uuid()"
        f" FROM generate_series(1, {_LINES}) n",
    )
    asked(url, "ANALYZE")
    asked(url, "DELETE FROM logs WHERE message::integer % 10 <> 0")


def asked(url: str, question: str) -> Any:
    """The first value of the first row."""

    async def ask() -> Any:
        connection: Any = await asyncpg.connect(url)
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    return asyncio.run(ask())


@contextmanager
def reading(url: str) -> Iterator[None]:
    """Somebody reads the database for as long as the block lasts."""
    with asyncio.Runner() as runner:
        connection: Any = runner.run(asyncpg.connect(url))
        runner.run(connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ"))
        runner.run(connection.fetchval("SELECT count(*) FROM flows"))
        try:
            yield
        finally:
            runner.run(connection.close())


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it has not come true in a minute"
        time.sleep(0.05)
