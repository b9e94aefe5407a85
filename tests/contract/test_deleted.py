"""A run of the real client that is deleted while it goes on: nothing changes any more, and its process ends."""

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from headrace.server.store import make_store
from headrace.server.store.base import Store
from tests.conftest import settings_for
from tests.contract.conftest import SCRIPTS, Peer
from tests.processes import serving
from tests.server.trash.dumps import dump

SECONDS = "4"
_UUID = re.compile(r"^[0-9a-f-]{36}$", re.MULTILINE)
_PATIENCE = 60.0


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.05)


async def wrote(peer: Peer, store: Store) -> bool:
    """Whether the run has written some of everything."""
    found = await dump(store)
    return all(found[table] for table in ("task_runs", "logs", "artifacts"))


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_a_run_deleted_while_it_writes_changes_nothing_more_and_its_process_ends(
    tmp_path: Path, fresh_postgres_url: Callable[[], str], peer_installed: None, database: str
) -> None:
    url = fresh_postgres_url() if database == "postgres" else None
    (tmp_path / "server").mkdir()
    (tmp_path / "client").mkdir()
    with serving(tmp_path / "server", url) as server:
        peer = Peer(server.api_url, tmp_path / "client")
        store = make_store(settings_for(tmp_path / "server", url))
        await store.open()
        with peer.running("python", str(SCRIPTS / "deleted_run.py"), SECONDS) as process:
            await until(lambda: peer.output.exists() and _UUID.search(peer.output.read_text()), "it did not begin")
            begun = _UUID.search(peer.output.read_text())
            assert begun is not None
            run = UUID(begun.group())
            deadline = time.monotonic() + _PATIENCE
            while not await wrote(peer, store):
                assert time.monotonic() < deadline, "it did not write"
                await asyncio.sleep(0.05)
            await asyncio.to_thread(peer.ask, "DELETE", f"/flow_runs/{run}")
            assert process.poll() is None, "it was to be deleted while it goes on"
            before = await dump(store)
            await until(lambda: process.poll() is not None, "it did not end")
        after = await dump(store)
        await store.close()
        output = server.output()
    assert after == before
    assert not re.search(r"error|exception|traceback", output, re.IGNORECASE), output
    assert "Abort" not in output
