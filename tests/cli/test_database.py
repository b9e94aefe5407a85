"""`headrace server database` on both databases: the tables come, go back and are made anew when it is agreed to."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command


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


def test_postgresql_is_not_written_anew_but_told_how(headrace: Command, fresh_postgres_url: Callable[[], str]) -> None:
    answer = headrace("server", "database", "compact", "--yes", HEADRACE_SERVER_DATABASE_URL=fresh_postgres_url())
    assert answer.returncode == 1
    assert "VACUUM FULL" in answer.stderr
