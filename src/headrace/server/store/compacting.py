"""Writing a SQLite file anew without its empty room. Blocks, and needs the file for itself: it belongs in a tool."""

import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from headrace.server.store.locations import SQLiteFile, locate
from headrace.server.store.sqlite_connection import connect, is_busy, translate
from headrace.settings import Settings
from headrace.wire.errors import StoreError

_BETWEEN_TELLINGS = 2.0
_FACTS = ("page_size", "freelist_count", "auto_vacuum")
_INCREMENTAL = 2


def path_of(settings: Settings) -> Path | None:
    """The file of the settings' database; None where it is a PostgreSQL. Raises `StoreError` if there is no file."""
    location = locate(settings.server.database.url, settings.home)
    if not isinstance(location, SQLiteFile):
        return None
    if not location.path.exists():
        raise StoreError(f"There is no database {location.path} yet.")
    return location.path


def measure(path: Path) -> tuple[int, int, int]:
    """Bytes of the file, bytes that are needed to write it anew, and bytes that are free on its disk."""
    size, empty, _ = space(path)
    # What it holds is written once beside it and once into its log.
    return size, size - empty, shutil.disk_usage(path.parent).free // 2


def space(path: Path) -> tuple[int, int, bool]:
    """Bytes of the file, how many of them are empty, and whether it gives those back by itself."""
    db = connect(path, writes=False)
    try:
        size, empty, kind = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in _FACTS)
    finally:
        db.close()
    return path.stat().st_size, empty * size, kind == _INCREMENTAL


def compact(path: Path, tell: Callable[[int], None]) -> int:
    """Write it anew and return its bytes; `tell` is called now and then with the bytes that are written so far.

    Raises `StoreError` while somebody else uses the file.
    """
    ended = threading.Event()
    teller = threading.Thread(target=_tell, args=(path, tell, ended), daemon=True)
    try:
        db = connect(path, writes=True)
        try:
            db.execute("PRAGMA temp_store = FILE")  # a database may be larger than the memory
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.execute("BEGIN EXCLUSIVE").close()
            db.execute("COMMIT").close()
            teller.start()
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.execute("VACUUM").close()
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            ended.set()
            db.close()
    except sqlite3.Error as error:
        if is_busy(error):
            raise StoreError(f"{path} is in use: stop every server and flow that records into it first.") from error
        raise translate(error) from error
    return path.stat().st_size


def _tell(path: Path, tell: Callable[[int], None], ended: threading.Event) -> None:
    log = path.with_name(path.name + "-wal")
    while not ended.wait(_BETWEEN_TELLINGS):
        if log.exists():
            tell(log.stat().st_size)
