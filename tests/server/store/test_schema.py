"""The schema: described once, the same by snapshot and by migrations, and changed safely."""

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from alembic.script import ScriptDirectory

from headrace.server.store import make_store, migrations, schema, snapshot
from headrace.server.store.base import Dialect, Statement, Store
from headrace.server.store.locations import PostgresDatabase, SQLiteFile, locate
from headrace.server.store.revisions import BASE, HEAD, REVISIONS
from headrace.server.store.rows import Kind, Reader
from headrace.settings import Settings
from headrace.wire.errors import StoreError
from headrace.wire.times import now
from tests.conftest import settings_for
from tests.server.store import catalogue
from tests.server.store.rows_of import add_flow, count, names


@pytest.fixture(params=list(Dialect), ids=str)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings that name a database in which nothing is yet; runs the test on SQLite and on PostgreSQL."""
    if request.param is Dialect.SQLITE:
        return settings_for(tmp_path)
    return settings_for(tmp_path, request.getfixturevalue("postgres_url"))


def schema_of(settings: Settings) -> catalogue.Schema:
    match locate(settings.server.database.url, settings.home):
        case SQLiteFile(path):
            return catalogue.of_sqlite(path)
        case PostgresDatabase(url):
            return catalogue.of_postgres(url)


def run_sql(settings: Settings, text: str) -> None:
    """Run a statement as a user would by hand."""

    async def run_on_postgres(url: str) -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(text)
        await connection.close()

    match locate(settings.server.database.url, settings.home):
        case SQLiteFile(path):
            db = sqlite3.connect(path, isolation_level=None)
            db.execute(text)
            db.close()
        case PostgresDatabase(url):
            asyncio.run(run_on_postgres(url))


@pytest.mark.parametrize("dialect", list(Dialect), ids=str)
def test_the_packaged_snapshot_is_what_the_tables_say(dialect: Dialect) -> None:
    """When this fails: python -m headrace.server.store.snapshot, and a migration that does the same."""
    assert ";\n\n".join(snapshot.statements(dialect)) + ";\n" == snapshot.render(dialect)


def test_the_list_of_revisions_is_what_alembic_finds() -> None:
    scripts = ScriptDirectory(Path(migrations.__file__).parent)
    assert tuple(script.revision for script in reversed(list(scripts.walk_revisions()))) == REVISIONS


def test_migrations_one_by_one_give_the_same_schema_as_the_tables(empty: Settings) -> None:
    for revision in REVISIONS:
        assert schema.upgrade(empty, "+1") == revision
    migrated = schema_of(empty)
    schema.reset(empty)
    assert migrated == schema_of(empty)
    assert "flow_runs" in str(migrated)
    assert "uq_task_runs_key" in str(migrated)


def test_each_migration_can_be_taken_back_and_done_again(empty: Settings) -> None:
    schemas = []
    for _ in REVISIONS:
        schema.upgrade(empty, "+1")
        schemas.append(schema_of(empty))
    for revision, before in reversed(list(zip(REVISIONS, schemas, strict=True))):
        assert schema.downgrade(empty, revision) == revision
        assert schema_of(empty) == before
    assert schema.downgrade(empty, BASE) == BASE
    assert schema.current(empty) is None
    assert "flow_runs" not in str(schema_of(empty))
    assert schema.upgrade(empty) == HEAD
    assert schema_of(empty) == schemas[-1]


async def test_a_database_of_an_older_revision_is_upgraded_on_opening_with_its_rows(empty: Settings) -> None:
    await asyncio.to_thread(schema.upgrade, empty, REVISIONS[0])
    moment = "now()" if empty.server.database.url else "0"
    row = f"'01999999-0000-7000-8000-000000000000', {moment}, {moment}, 'old'"
    await asyncio.to_thread(run_sql, empty, f"INSERT INTO flows (id, created, updated, name) VALUES ({row})")
    async with opened(empty) as store:
        assert await names(store) == ["old"]
    assert await asyncio.to_thread(schema.current, empty) == HEAD


async def test_runs_that_hang_since_before_there_were_deadlines_get_theirs(empty: Settings) -> None:
    """A run that is Cancelling for good is what an upgrade is to put an end to."""
    await asyncio.to_thread(schema.upgrade, empty, "0007")
    on_postgres = empty.server.database.url is not None
    moment = "now()" if on_postgres else "0"
    flow, run, state = (f"01999999-0000-7000-8000-00000000000{number}" for number in (1, 2, 3))
    pause = '{"pause_timeout": "2030-01-02T03:04:05.600000Z"}'
    for text in (
        f"INSERT INTO flows (id, created, updated, name) VALUES ('{flow}', {moment}, {moment}, 'old')",
        "INSERT INTO flow_runs (id, created, updated, name, flow_id, state_id, state_type)"
        f" VALUES ('{run}', {moment}, {moment}, 'paused', '{flow}', '{state}', 'PAUSED'),"
        f" ('{run[:-1]}9', {moment}, {moment}, 'cancelling', '{flow}', NULL, 'CANCELLING')",
        "INSERT INTO flow_run_states (id, created, flow_run_id, type, name, timestamp, state_details)"
        f" VALUES ('{state}', {moment}, '{run}', 'PAUSED', 'Paused', {moment}, '{pause}')",
    ):
        await asyncio.to_thread(run_sql, empty, text)
    async with opened(empty) as store:
        read = Reader(lambda *, deadline: deadline, {"deadline": Kind.TIME})
        rows = await store.fetch(Statement("SELECT deadline FROM flow_runs ORDER BY name"))
        cancelling, paused = read.all(rows, store.dialect)
    assert timedelta(seconds=200) < cancelling - now() < timedelta(seconds=301)
    assert abs(paused - datetime(2030, 1, 2, 3, 4, 5, 600_000, UTC)) <= timedelta(seconds=1)


async def test_stores_that_open_an_empty_database_at_once_all_succeed(empty: Settings) -> None:
    stores = [make_store(empty) for _ in range(4)]
    await asyncio.gather(*(store.open() for store in stores))
    for number, store in enumerate(stores):
        await add_flow(store, f"flow-{number}")
    assert await count(stores[0]) == 4
    await asyncio.gather(*(store.close() for store in stores))


async def test_reset_leaves_empty_tables_of_the_newest_revision(empty: Settings) -> None:
    async with opened(empty) as store:
        await add_flow(store, "gone")
    assert await asyncio.to_thread(schema.reset, empty) == HEAD
    async with opened(empty) as store:
        assert await count(store) == 0


async def test_a_database_of_a_newer_version_is_refused_in_one_clear_line(empty: Settings) -> None:
    await asyncio.to_thread(schema.upgrade, empty)
    await asyncio.to_thread(run_sql, empty, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"another version \(revision '9999'.*install a newer headrace") as refused:
        await make_store(empty).open()
    assert "\n" not in str(refused.value)
    for change in (schema.upgrade, schema.downgrade, schema.reset):
        with pytest.raises(StoreError, match="'9999'"):
            await asyncio.to_thread(change, empty)


async def test_a_database_with_somebody_elses_tables_is_left_alone(empty: Settings) -> None:
    await asyncio.to_thread(run_sql, empty, "CREATE TABLE invoices (id INTEGER)")
    before = await asyncio.to_thread(schema_of, empty)
    with pytest.raises(StoreError, match=r"tables that are not headrace's \(invoices"):
        await make_store(empty).open()
    assert await asyncio.to_thread(schema_of, empty) == before


def test_an_unknown_revision_is_refused_with_those_there_are(empty: Settings) -> None:
    with pytest.raises(StoreError, match=f"no revision 'nonsense' of .*{REVISIONS[0]}"):
        schema.upgrade(empty, "nonsense")
    with pytest.raises(StoreError, match="no revision '-1' of the schema, seen from base"):
        schema.downgrade(empty, "-1")


async def test_without_migrate_on_start_postgresql_must_be_upgraded_by_hand(tmp_path: Path, postgres_url: str) -> None:
    settings = settings_for(tmp_path, postgres_url, migrate_on_start=False)
    with pytest.raises(StoreError, match=r"has no schema.*headrace server database upgrade"):
        await make_store(settings).open()
    await asyncio.to_thread(schema.upgrade, settings)
    async with opened(settings) as store:
        assert await count(store) == 0


class opened:
    """A store, open for the length of a block."""

    def __init__(self, settings: Settings) -> None:
        self._store = make_store(settings)

    async def __aenter__(self) -> Store:
        await self._store.open()
        return self._store

    async def __aexit__(self, *_: object) -> None:
        await self._store.close()
