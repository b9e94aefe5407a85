"""What a server does for its callers: make runs, move them through their states, read them, keep their logs."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import uuid4

from benchmarks.driver import Link, Measured, drive

_LOGS_PER_CALL = 500


class Api:
    """The measurements of one server; `scale` multiplies the number of jobs."""

    def __init__(self, url: str, scale: float) -> None:
        self.url, self.scale, self.flow_id = url, scale, ""

    async def prepare(self) -> None:
        link = Link(self.url)
        self.flow_id = (await link.ask("POST", "/flows/", {"name": f"bench-{uuid4().hex[:8]}"}))["id"]
        link.close()

    async def health(self) -> Measured:
        return await self._drive(lambda link: _quiet(link.call("GET", "/health")), 800, 8)

    async def create(self) -> Measured:
        return await self._drive(lambda link: _quiet(self._create(link)), 400, 8)

    async def lifecycle(self) -> Measured:
        return await self._drive(self.live, 250, 8)

    async def read(self) -> Measured:
        link = Link(self.url)
        run_id = (await self._create(link))["id"]
        link.close()
        return await self._drive(lambda link: _quiet(link.call("GET", f"/flow_runs/{run_id}")), 600, 8)

    async def newest(self) -> Measured:
        await drive(self.url, lambda link: _quiet(self._create(link)), 250, 4)
        body = {"sort": "START_TIME_DESC", "limit": 200}
        return await self._drive(lambda link: _quiet(link.call("POST", "/flow_runs/filter", body)), 40, 1)

    async def logs(self) -> Measured:
        link = Link(self.url)
        run_id = (await self._create(link))["id"]
        link.close()
        stamp = datetime.now(UTC).isoformat()
        line = {"name": "bench", "level": 20, "message": "hello world " * 5, "timestamp": stamp, "flow_run_id": run_id}
        lines = [line] * _LOGS_PER_CALL
        return await self._drive(lambda link: _quiet(link.call("POST", "/logs/", lines)), 24, 2, _LOGS_PER_CALL)

    async def _drive(
        self, job: Callable[[Link], Awaitable[None]], jobs: int, clients: int, per_job: int = 1
    ) -> Measured:
        return await drive(self.url, job, max(clients, int(jobs * self.scale)), clients, per_job)

    async def _create(self, link: Link) -> dict[str, str]:
        body = {
            "flow_id": self.flow_id,
            "state": {"type": "PENDING", "name": "Pending"},
            "parameters": {"x": 1},
            "tags": ["bench"],
        }
        return await link.ask("POST", "/flow_runs/", body)

    async def live(self, link: Link) -> None:
        """One run from made to Completed: three calls."""
        run = await self._create(link)
        for type_ in ("RUNNING", "COMPLETED"):
            body = {"state": {"type": type_, "name": type_.capitalize()}, "force": False}
            answer = await link.ask("POST", f"/flow_runs/{run['id']}/set_state", body)
            if answer["status"] != "ACCEPT":
                raise RuntimeError(f"set_state answered {answer}")


async def _quiet(call: Awaitable[object]) -> None:
    await call
