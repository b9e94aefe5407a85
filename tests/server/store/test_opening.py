"""Opening is quick: a fresh SQLite file needs neither SQLAlchemy nor Alembic nor the other database's driver."""

import sqlite3
import subprocess
import sys
from pathlib import Path

from headrace.server.store import make_store
from tests.conftest import settings_for

_OPEN = """
import asyncio, sys
from pathlib import Path
from headrace.server.store import make_store
from headrace.settings import Settings

async def main():
    store = make_store(Settings(home=Path(sys.argv[1])))
    await store.open()
    await store.close()

asyncio.run(main())
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"sqlalchemy", "alembic", "asyncpg", "starlette"}))
"""


def test_a_first_run_makes_its_schema_without_heavy_imports(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    done = subprocess.run([sys.executable, "-c", _OPEN, str(home)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
    assert (home / "headrace.db").exists()


async def test_the_file_can_give_space_back_and_survives_a_killed_process(tmp_path: Path) -> None:
    store = make_store(settings_for(tmp_path))
    await store.open()
    await store.close()
    db = sqlite3.connect(tmp_path / "headrace.db")
    assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)  # incremental
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


_CLOSE_AT_EXIT = """
import asyncio, atexit, sys
from pathlib import Path
from headrace.server.store import make_store
from headrace.server.store.base import Statement
from headrace.settings import Settings

loop = asyncio.new_event_loop()
store = make_store(Settings(home=Path(sys.argv[1])))
loop.run_until_complete(store.open())
loop.run_until_complete(store.scan(Statement("SELECT 1")))
atexit.register(lambda: (loop.run_until_complete(store.close()), loop.close(), print("closed")))
"""


def test_a_store_can_be_closed_while_the_interpreter_ends(tmp_path: Path) -> None:
    """No thread can be started then; the embedded store is closed by an exit handler."""
    done = subprocess.run(
        [sys.executable, "-c", _CLOSE_AT_EXIT, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "closed"
    assert done.stderr == ""
    assert not (tmp_path / "headrace.db-wal").exists()
