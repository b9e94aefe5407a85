"""A store for what only happens where writers overlap."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headrace.server.store import make_store
from headrace.server.store.base import Store
from tests.conftest import settings_for
from tests.postgres import PostgresServer


@pytest.fixture
async def postgres(tmp_path: Path, migrated_postgres_url: str, postgres_server: PostgresServer) -> AsyncIterator[Store]:
    """An open store on an empty, migrated PostgreSQL database."""
    store = make_store(settings_for(tmp_path, migrated_postgres_url))
    await store.open()
    yield store
    await store.close()
    postgres_server.empty(migrated_postgres_url)
