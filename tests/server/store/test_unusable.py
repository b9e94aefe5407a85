"""Databases that cannot be used: one clear line each, and nothing touched."""

import socket
import sqlite3
from pathlib import Path

import pytest

from headrace.server.store import make_store
from headrace.server.store.locations import PostgresDatabase, SQLiteFile, locate
from headrace.wire.errors import ServiceUnavailable, StoreError
from tests.conftest import settings_for
from tests.server.store.rows_of import add_flow, count


async def refusal(tmp_path: Path, url: str) -> str:
    """What opening the store says; it must be one line."""
    with pytest.raises(StoreError) as refused:
        await make_store(settings_for(tmp_path, url)).open()
    assert "\n" not in str(refused.value)
    return str(refused.value)


async def test_a_file_that_is_not_a_database_is_named_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database\n" * 1000)
    assert f"{file} is not a SQLite database" in await refusal(tmp_path, f"sqlite:///{file}")
    assert file.read_text() == "not a database\n" * 1000


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert f"{tmp_path}/missing of the database x.db does not exist" in await refusal(
        tmp_path, f"sqlite:///{tmp_path}/missing/x.db"
    )


async def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    assert "it is a directory" in await refusal(tmp_path, f"sqlite:///{tmp_path}")


async def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    store = make_store(settings_for(tmp_path))
    await store.open()
    await store.close()
    file = tmp_path / "headrace.db"
    content = bytearray(file.read_bytes())
    content[100:4096] = b"\xff" * (4096 - 100)
    file.write_bytes(content)
    assert "damaged" in await refusal(tmp_path, f"sqlite:///{file}")


async def test_a_postgresql_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound but not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        message = await refusal(tmp_path, f"postgresql://me:secret@127.0.0.1:{port}/headrace")
    assert f"postgresql://me@127.0.0.1:{port}/headrace cannot be reached" in message
    assert "secret" not in message


async def test_a_missing_postgresql_database_is_named(tmp_path: Path, postgres_url: str) -> None:
    assert "/nowhere does not exist: create it" in await refusal(tmp_path, postgres_url.rpartition("/")[0] + "/nowhere")


async def test_a_lock_of_another_connection_is_waited_for_up_to_the_timeout(tmp_path: Path) -> None:
    store = make_store(settings_for(tmp_path, timeout=0.2))
    await store.open()
    other = sqlite3.connect(tmp_path / "headrace.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ServiceUnavailable, match=r"locked for 0\.2 s"):
        await add_flow(store, "refused")
    assert await count(store) == 0, "reads do not wait for writers"
    other.execute("COMMIT")
    other.close()
    await add_flow(store, "accepted")
    await store.close()


@pytest.mark.parametrize(
    ("url", "location"),
    [
        (None, SQLiteFile(Path("/home/me/.headrace/headrace.db"))),
        ("sqlite:////var/lib/x.db", SQLiteFile(Path("/var/lib/x.db"))),
        ("sqlite+aiosqlite:////var/lib/x.db", SQLiteFile(Path("/var/lib/x.db"))),
        ("sqlite:///here.db", SQLiteFile(Path("here.db"))),
        ("postgresql://u:p@h:1/d", PostgresDatabase("postgresql://u:p@h:1/d")),
        ("postgresql+asyncpg://u:p@h/d?sslmode=require", PostgresDatabase("postgresql://u:p@h/d?sslmode=require")),
        ("postgres:///d?host=/run/pg", PostgresDatabase("postgresql:///d?host=/run/pg")),
    ],
)
def test_every_accepted_form_of_url_is_read(url: str | None, location: object) -> None:
    assert locate(url, Path("/home/me/.headrace")) == location


@pytest.mark.parametrize("url", ["mysql://u:p@h/d", "headrace.db", "sqlite://", "sqlite:///:memory:", "postgresql://h"])
def test_any_other_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StoreError, match="write ") as refused:
        locate(url, Path("/home"))
    assert ":p@" not in str(refused.value)
