"""The one connection that writes, lent to one transaction at a time.

Transactions that follow each other within one turn of the event loop are committed together: each is a savepoint
of one database transaction, and none returns before that is committed. Under load this halves the cost, because
most of it is in the pages that a commit writes to the log, and neighbours share them.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from headrace.server.store.base import Statement
from headrace.server.store.sqlite_connection import connect, patiently, translate
from headrace.server.store.sqlite_statements import change, rows
from headrace.wire.errors import HeadraceError, InternalError, ServiceUnavailable

Result = TypeVar("Result")

_LARGEST_GROUP = 64
_COMMITS_BETWEEN_CHECKPOINTS = 100

_BEGIN = Statement("BEGIN IMMEDIATE")
_COMMIT = Statement("COMMIT")
_ROLLBACK = Statement("ROLLBACK")
_JOIN = Statement("SAVEPOINT member")
_KEEP = Statement("RELEASE member")
_UNDO = Statement("ROLLBACK TO member")
_CHECKPOINT = Statement("PRAGMA wal_checkpoint(PASSIVE)")
_TRUNCATE = Statement("PRAGMA wal_checkpoint(TRUNCATE)")
_PAGES = Statement("PRAGMA page_count")
_SHRINK = "BEGIN IMMEDIATE; PRAGMA incremental_vacuum({}); COMMIT"
"""As a script, because a statement by itself would be taken only one step, which is one page."""

_log = logging.getLogger(__name__)


class Writer:
    """Begins and ends transactions; `timeout` is how many seconds another process's lock is waited for."""

    def __init__(self, db: sqlite3.Connection, path: Path, timeout: float) -> None:
        self._db, self._path, self._timeout = db, path, timeout
        self._turn = asyncio.Lock()
        self._holder: asyncio.Task[Any] | None = None
        self._group: list[asyncio.Future[None]] = []
        self._settling: asyncio.Handle | None = None
        self._commits = 0
        self._closing = False
        self._checkpoint: asyncio.Task[None] | None = None
        self._copier: sqlite3.Connection | None = None

    async def begin(self) -> sqlite3.Connection:
        """Wait for the writer and begin; each call that returns is answered by one of `end`."""
        task = asyncio.current_task()
        if task is not None and task is self._holder:
            raise InternalError("This task is inside a transaction already: use the connection that it gave.")
        await self._turn.acquire()
        try:
            if len(self._group) >= _LARGEST_GROUP:
                self._commit()
            if self._group:
                change(self._db, _JOIN)
            else:
                await patiently(partial(change, self._db, _BEGIN), self._path, self._timeout)
        except BaseException as error:
            self._leave()
            if isinstance(error, sqlite3.Error):
                raise translate(error) from error
            raise
        self._holder = task
        return self._db

    async def end(self, *, commit: bool) -> None:
        """Keep or undo what was done since `begin`; returns when what is kept is committed."""
        committed = None
        try:
            if commit:
                committed = self._keep()
            else:
                self._undo()
        except sqlite3.Error as error:
            self._fail(translate(error))
            raise translate(error) from error
        finally:
            self._leave()
        if committed is not None:
            await committed

    async def shrink(self, pages: int) -> int:
        """Cut at most so many empty pages off the file's end, in a thread; how many it were.

        The file itself is shorter once the log is written back. Raises what SQLite does when it is busy.
        """
        async with self._turn:
            self._commit()
            return await _to_its_end(asyncio.to_thread(self._shrink, pages))

    async def write_all_back(self) -> bool:
        """Write the log back and begin a new one; False where a reader still needs some of it."""
        await asyncio.to_thread(self._copy)
        async with self._turn:
            self._commit()
            _, written, copied = (await _to_its_end(asyncio.to_thread(rows, self._db, _TRUNCATE)))[0]
            return written == copied

    def _shrink(self, pages: int) -> int:
        before = rows(self._db, _PAGES)[0][0]
        try:
            self._db.executescript(_SHRINK.format(pages)).close()
        finally:
            if self._db.in_transaction:
                change(self._db, _ROLLBACK)
        return before - rows(self._db, _PAGES)[0][0]

    async def close(self) -> None:
        """Commit what is under way, then close the connection."""
        if self._checkpoint is not None:
            await self._checkpoint
        async with self._turn:
            self._closing = True
            self._commit()
            if self._copier is not None:
                self._copier.close()
            self._db.close()

    def _keep(self) -> asyncio.Future[None]:
        if self._group:
            change(self._db, _KEEP)
        committed = asyncio.get_running_loop().create_future()
        self._group.append(committed)
        return committed

    def _undo(self) -> None:
        if not self._db.in_transaction:  # SQLite has rolled back all by itself, as it does when the disk is full
            self._fail(ServiceUnavailable("The database undid this change with another that failed. Try again."))
        elif self._group:
            change(self._db, _UNDO)
            change(self._db, _KEEP)
        else:
            change(self._db, _ROLLBACK)

    def _leave(self) -> None:
        """Give the turn to the next; the group is committed as soon as nobody is inside any more."""
        self._holder = None
        self._turn.release()
        if self._group and self._settling is None:
            self._settling = asyncio.get_running_loop().call_soon(self._settle)

    def _settle(self) -> None:
        self._settling = None
        if not self._turn.locked():
            self._commit()

    def _commit(self) -> None:
        """Commit the group and tell its members; they, not the caller, hear of a failure."""
        if not self._group:
            return
        try:
            change(self._db, _COMMIT)
        except sqlite3.Error as error:
            self._fail(translate(error))
            return
        for committed in self._group:
            if not committed.done():
                committed.set_result(None)
        self._group.clear()
        self._count_commit()

    def _fail(self, failure: HeadraceError) -> None:
        """Nothing of the group is kept."""
        if self._db.in_transaction:
            change(self._db, _ROLLBACK)
        for committed in self._group:
            if not committed.done():
                committed.set_exception(type(failure)(str(failure)))
        self._group.clear()

    def _count_commit(self) -> None:
        """Now and then move the log's pages into the file, in a thread, so that no commit has to."""
        self._commits += 1
        if self._commits % _COMMITS_BETWEEN_CHECKPOINTS or self._closing:
            return
        if self._checkpoint is None or self._checkpoint.done():
            self._checkpoint = asyncio.get_running_loop().create_task(self._write_back())

    async def _write_back(self) -> None:
        """Most of it while commits go on, and what these add in the writer's turn, so that the log begins anew."""
        try:
            await asyncio.to_thread(self._copy)
            async with self._turn:
                self._commit()
                await asyncio.to_thread(rows, self._db, _CHECKPOINT)
        except sqlite3.Error as error:
            _log.warning("The log of the database %s could not be written back: %s", self._path, error)
        except RuntimeError:  # the interpreter is ending and starts no threads; closing the file does it, too
            return

    def _copy(self) -> None:
        """Move pages on a connection of its own: syncing the file takes long, and nobody should wait for it."""
        if self._copier is None:
            self._copier = connect(self._path, writes=True)
        rows(self._copier, _CHECKPOINT)


async def _to_its_end(work: Coroutine[Any, Any, Result]) -> Result:
    """Wait for a thread even when cancelled: it cannot be stopped, and others would use the connection beside it."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        raise
