"""A server for the tests of background tasks, and workers in this process."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from headrace import Task
from headrace.client.connection import disconnect
from headrace.client.orchestration import SyncHeadraceClient, get_client
from headrace.sdk import session
from headrace.settings import context as settings_context
from headrace.task_worker import TaskWorker
from tests.processes import ServerProcess, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    settings = {"HEADRACE_SERVER_SERVICES_TASK_LEASES_GRACE_SECONDS": "0"}
    with serving(tmp_path_factory.mktemp("server"), settings=settings) as server:
        yield server


@pytest.fixture
def client(server: ServerProcess, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SyncHeadraceClient]:
    """The API of the server, which this process uses too."""
    monkeypatch.setenv("HEADRACE_API_URL", server.api_url)
    settings_context.reload()
    yield get_client(sync_client=True)
    session.flush_all(10)
    disconnect()


@contextmanager
def working(*tasks: Task[..., Any], limit: int | None = 10) -> Iterator[TaskWorker]:
    """A worker that executes the tasks until the block ends; then all that it has begun is over."""
    started: list[tuple[TaskWorker, asyncio.AbstractEventLoop]] = []
    ready = threading.Event()

    async def work() -> None:
        worker = TaskWorker(*tasks, limit=limit)
        started.append((worker, asyncio.get_running_loop()))
        ready.set()
        await worker.start()

    thread = threading.Thread(target=lambda: asyncio.run(work()), name="worker")
    thread.start()
    assert ready.wait(20)
    worker, loop = started[0]
    try:
        yield worker
    finally:
        loop.call_soon_threadsafe(worker.stop)
        thread.join(60)
        assert not thread.is_alive()
