"""Events through a server that is killed: `python -m benchmarks.events_soak --events 1000000 --clients 4 --kills 5`.

Each client sends its events over `/events/in`, and after every few hundred a ping; what was sent since the last pong
is sent again on a new connection when the server is gone. At the end every event must be in the log once. Memory is
the most that any of the server's processes held.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from uuid import UUID, uuid4

from benchmarks.databases import Cluster, cluster
from benchmarks.driver import Link
from benchmarks.servers import Running, headrace
from benchmarks.socket_sender import Sender, frame

_CHECKPOINT = 500
_PATIENCE = 120.0


def main() -> int:
    """Run the soak; answer 1 when an event is missing or there twice."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events_soak", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    options = parser.parse_args()
    databases: AbstractContextManager[Cluster | None] = (
        cluster() if options.database == "postgres" else nullcontext(None)
    )
    with databases as running, tempfile.TemporaryDirectory() as home:
        url = None if running is None else running.create("soak")
        soak = Soak(Path(home), url, options.events, options.clients, options.kills)
        asyncio.run(soak.run())
    print(soak.report(options.database))
    return 0 if soak.held else 1


@dataclass
class Soak:
    """One run and what came of it."""

    home: Path
    database_url: str | None
    events: int
    clients: int
    kills: int
    name: str = field(default_factory=lambda: f"soak.{uuid4().hex}")
    acknowledged: int = 0
    sent: int = 0
    stored: int = 0
    distinct: int = 0
    seconds: float = 0.0
    memories: list[float] = field(default_factory=list[float])
    url: str = ""

    @property
    def held(self) -> bool:
        """Whether every event is there, once."""
        return self.stored == self.distinct == self.acknowledged == self.events

    def report(self, database: str) -> str:
        """What happened, in words."""
        lost, twice = self.acknowledged - self.distinct, self.stored - self.distinct
        held = ", ".join(f"{memory:.0f}" for memory in self.memories)
        return (
            f"{database}: {self.events:,} events of {self.clients} clients, {self.kills} times kill -9, "
            f"{self.seconds:.0f} s ({self.events / self.seconds:,.0f}/s): {lost} lost, {twice} twice, "
            f"{self.sent - self.events:,} sent again; most memory of each server process {held} MB: "
            + ("held" if self.held else "MISSED")
        )

    async def run(self) -> None:
        """Send everything while the server is killed now and then, and count."""
        started = perf_counter()
        shares = [range(start, self.events, self.clients) for start in range(self.clients)]
        sending = asyncio.gather(*(self._send(share) for share in shares))
        for kill in range(1, self.kills + 1):
            with headrace(self.home, self.database_url) as server:
                self.url = server.url
                await self._until(lambda due=kill: self.acknowledged >= self.events * due // (self.kills + 1))
                self._note_memory(server)
                self.url = ""
                os.kill(server.pid, signal.SIGKILL)
        with headrace(self.home, self.database_url) as server:
            self.url = server.url
            await sending
            self.seconds = perf_counter() - started
            await self._count(server)
            self._note_memory(server)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)

    def _note_memory(self, server: Running) -> None:
        for line in Path(f"/proc/{server.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                self.memories.append(int(line.split()[1]) / 1024)

    async def _send(self, numbers: range) -> None:
        done = 0
        while done < len(numbers):
            try:
                sender = await Sender.open(self.url or "http://127.0.0.1:1")
                while done < len(numbers):
                    share = numbers[done : done + _CHECKPOINT]
                    await sender.send([self._frame(number) for number in share])
                    self.sent += len(share)
                    await asyncio.wait_for(sender.settle(), _PATIENCE)
                    done += len(share)
                    self.acknowledged += len(share)
                await sender.close()
            except (OSError, EOFError, TimeoutError):
                await asyncio.sleep(0.05)

    def _frame(self, number: int) -> bytes:
        event = {
            "id": str(UUID(int=(2 << 100) + number)),
            "occurred": datetime.fromtimestamp(1_790_000_000 + number / 1000, UTC).isoformat(),
            "event": self.name,
            "resource": {"prefect.resource.id": f"{self.name}.{number % 1000}"},
            "payload": {"number": number},
        }
        return frame(json.dumps(event).encode())

    async def _count(self, server: Running) -> None:
        link = Link(server.url)
        window = {"since": "2026-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
        body = {"filter": {"event": {"name": [self.name]}, "occurred": window}, "limit": 1}
        self.stored = (await link.ask("POST", "/events/filter", body))["total"]
        self.distinct = await self._count_distinct()
        link.close()

    async def _count_distinct(self) -> int:
        """Counted in the database itself."""
        query = "SELECT count(DISTINCT id) FROM events"
        if self.database_url is not None:
            import asyncpg

            connection = await asyncpg.connect(self.database_url)
            try:
                return await connection.fetchval(query)
            finally:
                await connection.close()
        import sqlite3

        connection = sqlite3.connect(self.home / "headrace.db")
        try:
            return connection.execute(query).fetchone()[0]
        finally:
            connection.close()


if __name__ == "__main__":
    sys.exit(main())
