"""Every test of the SDK has a home of its own, and by default an API in memory."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.client.connection import disconnect
from headrace.client.orchestration import SyncHeadraceClient, get_client
from headrace.sdk import session
from headrace.settings import context as settings_context
from tests.sdk.fake import FakeAPI


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """$HEADRACE_HOME, empty; nothing of the developer's own settings is seen."""
    for variable in list(os.environ):
        if variable.startswith("HEADRACE_"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HEADRACE_LOGGING_TO_API_BATCH_INTERVAL", "0.05")
    settings_context.reload()
    yield tmp_path / "home"
    session.flush_all(10)
    monkeypatch.undo()
    settings_context.reload()


@pytest.fixture
def api(home: Path, monkeypatch: pytest.MonkeyPatch) -> FakeAPI:
    """The API in memory that runs of this test are recorded to."""
    fake = FakeAPI()
    connection: Any = SimpleNamespace(sync=fake, recording=fake)
    monkeypatch.setattr("headrace.client.connection.connect", lambda _settings: connection)
    return fake


@pytest.fixture
def recorded(home: Path) -> Iterator[SyncHeadraceClient]:
    """The API in this process, over an empty database; this reads what was recorded."""
    yield get_client(sync_client=True)
    session.flush_all(10)
    disconnect()
