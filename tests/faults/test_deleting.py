"""A server that is killed at any step of deleting, undoing, restoring and purging: it finishes when it is back.

Nothing is lost, nothing is done twice, and no row is left that belongs to nothing.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from headrace.server.purge import orphans
from headrace.server.store import make_store
from headrace.server.store.base import Statement, Store
from tests.conftest import settings_for
from tests.faults.calling import Caller, calling
from tests.processes import serving
from tests.server.trash.dumps import TABLES, counted, totals

ROOTS = 30
BATCH = 4
SERVER = {
    "HEADRACE_SERVER_SERVICES_OPERATIONS_BATCH_SIZE": str(BATCH),
    "HEADRACE_SERVER_SERVICES_PURGE_BATCH_SIZE": "50",
}
SETTLED_AT_ONCE = {"HEADRACE_SERVER_TRASH_SETTLE_AFTER_SECONDS": "0"}
_STATES: tuple[dict[str, Any], ...] = (
    {"type": "COMPLETED"},
    {"type": "FAILED"},
    {"type": "CRASHED"},
    {"type": "RUNNING"},
    {"type": "SCHEDULED", "state_details": {"scheduled_time": "2040-01-01T00:00:00Z"}},
)
_PROGRESS = Statement(
    "SELECT position, finished IS NOT NULL, purge_position, purged IS NOT NULL FROM operations WHERE id = $1"
)


class Step(msgspec.Struct, frozen=True):
    """One operation, on the trees of some roots, and how many items it gets on with until the server is killed."""

    kind: str
    first: int
    count: int
    killed_after: int

    def roots(self) -> list[int]:
        return [(self.first + place) % ROOTS for place in range(self.count)]


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["delete", "undo", "restore", "purge"]),
        st.integers(0, ROOTS - 1),
        st.integers(1, ROOTS),
        st.integers(0, 2 * ROOTS),
    ),
    min_size=3,
    max_size=4,
).map(lambda steps: [Step("delete", 0, ROOTS // 2, 5), *steps])
"""The first is always a delete, so that there is something to undo, restore and purge."""


class World:
    """A database, what was made in it, and what should be shown of it."""

    def __init__(self, home: Path, url: str | None, variables: dict[str, str]) -> None:
        self.home, self.url, self._variables = home, url, SERVER | variables
        self.trees: list[list[str]] = []
        self.shown: set[str] = set()
        self.purged: set[str] = set()
        self.deletes: list[tuple[str, set[str]]] = []
        self.purging = False

    def serving(self) -> Any:
        return serving(self.home, self.url, settings=self._variables)

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[Store]:
        """The database itself, beside whichever server."""
        store = make_store(settings_for(self.home, self.url))
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    def populate(self, caller: Caller) -> None:
        """Runs in each state, with subflow runs, task runs, inputs, artifacts and lines."""
        flow = caller.post("/flows/", {"name": "doomed"})["id"]
        for number in range(ROOTS):
            state = _STATES[number % len(_STATES)]
            root = self._run(caller, flow, state, None)
            tracking = caller.task_run(root, "COMPLETED")
            inside = [self._run(caller, flow, state, tracking)] if number % 3 == 0 else []
            self.trees.append([root, *inside])
        self.shown = {id for tree in self.trees for id in tree}

    def _run(self, caller: Caller, flow: str, state: dict[str, Any], parent: str | None) -> str:
        body = {"flow_id": flow, "parent_task_run_id": parent, "idempotency_key": uuid4().hex, "state": state}
        id = caller.post("/flow_runs/", body)["id"]
        caller.post(f"/flow_runs/{id}/input", {"key": "k", "value": "1"})
        task = caller.task_run(id, "COMPLETED")
        caller.post("/artifacts/", {"key": f"of-{id}", "type": "table", "data": "1", "flow_run_id": id})
        line = {"name": "n", "level": 20, "message": "m", "timestamp": "2031-01-01T00:00:00Z"}
        caller.post("/logs/", [line | {"flow_run_id": id}, line | {"flow_run_id": id, "task_run_id": task}])
        return id

    def ask(self, caller: Caller, step: Step) -> str | None:
        """Ask for the step's operation and say what should be shown after it; its id, None if there is none to ask."""
        ids = {id for place in step.roots() for id in self.trees[place]}
        self.purging = False
        if step.kind == "undo":
            return self._undo(caller)
        if step.kind == "restore":
            self.shown |= ids - self.purged
            self.deletes = [(id, gone - ids) for id, gone in self.deletes]
            return self._operation(caller, "restore", ids, {})
        if step.kind == "purge":
            self.purged |= ids & self.shown
        gone = ids & self.shown
        self.purging = step.kind == "purge" and bool(gone)
        self.shown -= ids
        id = self._operation(caller, "delete", ids, {"purge_after": 0} if step.kind == "purge" else {})
        if step.kind == "delete" and gone:
            self.deletes.append((id, gone))
        return id

    def _undo(self, caller: Caller) -> str | None:
        if not self.deletes:
            return None
        id, gone = self.deletes.pop()
        self.shown |= gone
        return caller.post(f"/x/operations/{id}/undo", {})["id"]

    def _operation(self, caller: Caller, kind: str, ids: set[str], options: dict[str, Any]) -> str:
        target = {"ids": sorted(ids)}
        body = {"kind": kind, "noun": "flow_runs", "target": target, "options": options}
        return caller.post("/x/operations", body)["id"]


Progress = tuple[int, bool, int, bool]


async def progress(store: Store, id: str) -> Progress:
    rows = await store.fetch(_PROGRESS, UUID(id))
    assert rows
    position, finished, purge_position, purged = rows[0]
    return position, bool(finished), purge_position, bool(purged)


async def until(store: Store, id: str, condition: Callable[[Progress], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition(seen := await progress(store, id)):
        assert time.monotonic() < deadline, seen


async def rows(store: Store) -> dict[str, set[str]]:
    """Every row of every table, without its marks."""
    found: dict[str, set[str]] = {}
    for table in TABLES:
        names = await columns(store, table)
        kept = [name for name in names if name not in ("deleted_at", "deleted_by")]
        found[table] = {
            repr(tuple(row)) for row in await store.fetch(Statement(f"SELECT {', '.join(kept)} FROM {table}"))
        }
    return found


async def columns(store: Store, table: str) -> list[str]:
    text = (
        "SELECT column_name FROM information_schema.columns"
        f" WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
    )
    return [
        row[0] for row in await store.fetch(Statement(text, sqlite=f"SELECT name FROM pragma_table_info('{table}')"))
    ]


async def what_is_shown(caller: Caller) -> set[str]:
    """The runs that a client sees, which are as many as it is told."""
    runs = caller.post("/flow_runs/filter", {"limit": 200})
    assert caller.post("/flow_runs/count", {}) == len(runs)
    ids = {run["id"] for run in runs}
    tasks = caller.post("/task_runs/filter", {"limit": 200})
    assert {task["flow_run_id"] for task in tasks} <= ids
    lines = caller.post("/logs/filter", {"limit": 200})
    assert {line["flow_run_id"] for line in lines} == ids
    return ids


@pytest.mark.timeout(600)
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS, settled_at_once=st.booleans())
def test_whatever_is_killed_when_all_is_finished_and_nothing_is_lost(
    database: str,
    steps: list[Step],
    settled_at_once: bool,
    tmp_path_factory: pytest.TempPathFactory,
    fresh_postgres_url: Callable[[], str],
) -> None:
    url = None if database == "sqlite" else fresh_postgres_url()
    world = World(tmp_path_factory.mktemp("home"), url, SETTLED_AT_ONCE if settled_at_once else {})
    asyncio.run(run_through(world, steps))


async def run_through(world: World, steps: list[Step]) -> None:
    with world.serving() as server, calling(server) as caller:
        world.populate(caller)
    async with world.looking() as store:
        before = await rows(store)
        for step in steps:
            await kill_and_recover(world, store, step)
        after = await rows(store)
        for table in TABLES:
            assert after[table] <= before[table], table
            lost = before[table] - after[table]
            assert {row for row in lost if not any(id in row for id in world.purged)} == set(), table
        assert await orphans.find(store, of_runs=True) == []


async def kill_and_recover(world: World, store: Store, step: Step) -> None:
    """Ask for it, kill the server on the way, and see that the next one finishes."""
    with world.serving() as server, calling(server) as caller:
        id = world.ask(caller, step)
        if id is None:
            return
        await until(store, id, lambda seen: seen[0] + seen[2] >= step.killed_after or seen[1])
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
    assert await orphans.find(store, of_runs=True) == []
    assert await counted(store) == await totals(store)
    with world.serving() as server, calling(server) as caller:
        await until(store, id, lambda seen: seen[1] and (seen[3] or not world.purging))
        assert await what_is_shown(caller) == world.shown
        told = caller.get(f"/x/operations/{id}")
        assert (told["status"], told["failed"]) == ("completed", 0)
    assert await counted(store) == await totals(store)
