"""Fixtures for tests of the routes: the API over each of the two databases."""

import pytest

from headrace.server.http.routes import ROUTERS
from headrace.server.http.routing import Dispatcher
from headrace.server.store.base import Store
from headrace.settings import Settings
from tests.server.api import Api

_DISPATCHER = Dispatcher(ROUTERS)


@pytest.fixture
def api(store: Store, database_settings: Settings) -> Api:
    """The API on an empty database; runs the test on SQLite and on PostgreSQL."""
    return Api(_DISPATCHER, store, database_settings)
