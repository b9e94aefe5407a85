"""Writing a database anew: it holds what it held, is as short as it can be, and shrinks by itself from then on."""

import sqlite3
from pathlib import Path

import pytest

from headrace.server.store import compacting, make_store
from headrace.server.store.base import Statement
from headrace.wire.errors import StoreError
from tests.conftest import settings_for
from tests.server.store.rows_of import add_flow, names


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A database that was made without the means to shrink, most of which is empty."""
    made = tmp_path / "headrace.db"
    with sqlite3.connect(made) as db:
        db.executescript("PRAGMA auto_vacuum = NONE; CREATE TABLE made (x); DROP TABLE made")
    db.close()
    store = make_store(settings_for(tmp_path))
    await store.open()
    await add_flow(store, "kept")
    big = Statement("INSERT INTO variables (id, created, updated, name, value) VALUES ('a', 0, 0, 'v', $1)")
    await store.execute(big, "x" * 3_000_000)
    await store.execute(Statement("DELETE FROM variables"))
    assert not (await store.space()).shrinks
    await store.close()
    return made


async def test_it_is_shorter_holds_what_it_held_and_shrinks_from_then_on(path: Path) -> None:
    before, needed, free = compacting.measure(path)
    assert needed < before / 2
    assert free > 0
    after = compacting.compact(path, lambda _: None)
    assert after < before - 2_000_000
    store = make_store(settings_for(path.parent))
    await store.open()
    assert await names(store) == ["kept"]
    assert await store.space() == (after, 0, True)
    await store.close()


async def test_while_somebody_uses_it_nothing_is_done(path: Path) -> None:
    store = make_store(settings_for(path.parent))
    await store.open()
    await add_flow(store, "other")
    with pytest.raises(StoreError, match="in use"):
        compacting.compact(path, lambda _: None)
    assert await names(store) == ["kept", "other"]
    await store.close()
