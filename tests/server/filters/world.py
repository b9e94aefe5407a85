"""A small world of flows, runs and log lines, as plain values: what the filters are tried on.

The same values go into a store and into `reference`, which says by hand what each filter means.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from headrace.server.store.base import Store
from headrace.wire.base import encode_text
from headrace.wire.states import StateType

BEGINNING = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAMES = ("alpha", "Beta", "alpha-beta", "per%cent", "under_score", "back\\slash", "gamma")
TAGS = ("red", "green", "blue", 'quo"te')
STATE_NAMES = ("Scheduled", "Late", "Running", "Completed", "Failed", "AwaitingRetry")
WORDS = ("lost", "found", "Lost", "Luggage", "connection", "100%", "a_b")
DOCUMENTS = frozenset(
    {"tags", "labels", "created_by", "parameters", "empirical_policy", "task_inputs", "state_details"}
)

Row = dict[str, Any]


@dataclass
class World:
    """Rows by table, in no order."""

    flows: list[Row] = field(default_factory=list[Row])
    flow_runs: list[Row] = field(default_factory=list[Row])
    task_runs: list[Row] = field(default_factory=list[Row])
    logs: list[Row] = field(default_factory=list[Row])

    def rows(self, noun: str) -> list[Row]:
        rows: list[Row] = getattr(self, noun)
        return rows

    def live(self, noun: str) -> list[Row]:
        """What a user can see."""
        return [row for row in self.rows(noun) if row.get("deleted_at") is None]

    def values(self) -> "Pools":
        """What filters can ask about with a chance to find something."""
        ids = [row["id"] for rows in (self.flows, self.flow_runs, self.task_runs) for row in rows]
        ids += [row[key] for row in self.flow_runs for key in ("deployment_id",) if row[key]]
        ids += [UUID(row["created_by"]["id"]) for row in self.flow_runs if row["created_by"]]
        moments = [row["start_time"] for row in self.flow_runs + self.task_runs if row["start_time"]]
        moments += [row["expected_start_time"] for row in self.flow_runs]
        return Pools(ids=ids, moments=moments)


@dataclass
class Pools:
    ids: list[UUID]
    moments: list[datetime]
    texts: tuple[str, ...] = (*NAMES, *TAGS, *STATE_NAMES, "v1", "v2", "key-3", "queue", "DEPLOYMENT", "%", "a")


def make_world(seed: int = 11, flow_runs: int = 40, task_runs: int = 60, logs: int = 60) -> World:
    """A world that is always the same for a seed."""
    chance = random.Random(seed)
    world = World()
    world.flows = [_flow(chance, number) for number in range(5)]
    world.task_runs = [_task_run(chance, number) for number in range(task_runs)]
    world.flow_runs = [_flow_run(chance, number, world) for number in range(flow_runs)]
    for number, row in enumerate(world.task_runs):
        row["flow_run_id"] = chance.choice(world.flow_runs)["id"] if number % 5 else None
    world.logs = [_log(chance, number, world) for number in range(logs)]
    return world


def _id(chance: random.Random) -> UUID:
    return UUID(int=chance.getrandbits(128))


def _moment(chance: random.Random) -> datetime:
    """One of few, so that times are equal now and then, with microseconds."""
    return BEGINNING + timedelta(seconds=chance.randrange(20) * 30, microseconds=chance.choice((0, 1, 999_999)))


def _maybe(chance: random.Random, value: Any) -> Any:
    return value if chance.random() < 0.6 else None


def _deleted(chance: random.Random) -> datetime | None:
    return BEGINNING if chance.random() < 0.1 else None


def _tags(chance: random.Random) -> list[str]:
    return chance.sample(TAGS, chance.randrange(3))


def _flow(chance: random.Random, number: int) -> Row:
    return {
        "id": _id(chance),
        "created": _moment(chance),
        "updated": _moment(chance),
        "name": NAMES[number],
        "tags": _tags(chance),
        "labels": {},
        "deleted_at": BEGINNING if number == 4 else None,
    }


def _times(chance: random.Random) -> Row:
    type_ = chance.choice(list(StateType))
    start = _maybe(chance, _moment(chance))
    return {
        "state_type": type_.value,
        "state_name": chance.choice(STATE_NAMES),
        "state_timestamp": _moment(chance),
        "run_count": chance.randrange(3),
        "expected_start_time": _moment(chance),
        "next_scheduled_start_time": _maybe(chance, _moment(chance)),
        "start_time": start,
        "end_time": _maybe(chance, _moment(chance)),
        "total_run_time": chance.randrange(1000) / 8,
    }


def _flow_run(chance: random.Random, number: int, world: World) -> Row:
    maker = {"id": str(_id(chance)), "type": chance.choice(("DEPLOYMENT", "SCHEDULE")), "display_value": "x"}
    return {
        "id": _id(chance),
        "created": _moment(chance),
        "updated": _moment(chance),
        "name": chance.choice(NAMES),
        "flow_id": chance.choice(world.flows[:4])["id"],
        "deployment_id": _maybe(chance, _id(chance)),
        "work_queue_name": _maybe(chance, "queue"),
        "flow_version": _maybe(chance, chance.choice(("v1", "v2"))),
        "parameters": {},
        "idempotency_key": _maybe(chance, f"key-{number}"),
        "empirical_policy": {},
        "tags": _tags(chance),
        "labels": {},
        "parent_task_run_id": chance.choice(world.task_runs)["id"] if number % 3 == 0 else None,
        "created_by": _maybe(chance, maker),
        "deleted_at": _deleted(chance),
        **_times(chance),
    }


def _task_run(chance: random.Random, number: int) -> Row:
    return {
        "id": _id(chance),
        "created": _moment(chance),
        "updated": _moment(chance),
        "name": chance.choice(NAMES),
        "task_key": "task",
        "dynamic_key": str(number),
        "empirical_policy": {},
        "tags": _tags(chance),
        "labels": {},
        "task_inputs": {},
        "deleted_at": _deleted(chance),
        **_times(chance),
    }


def _log(chance: random.Random, number: int, world: World) -> Row:
    return {
        "id": _id(chance),
        "created": _moment(chance),
        "name": chance.choice(("log.flow", "log.task")),
        "level": chance.choice((10, 20, 30, 40)),
        "message": " ".join(chance.choices(WORDS, k=3)),
        "timestamp": _moment(chance),
        "flow_run_id": chance.choice(world.flow_runs)["id"],
        "task_run_id": _maybe(chance, chance.choice(world.task_runs)["id"]),
    }


async def fill(store: Store, world: World) -> None:
    """Put the world into an empty store."""
    for noun in ("flows", "flow_runs", "task_runs", "logs"):
        rows = world.rows(noun)
        columns = list(rows[0])
        await store.insert_many(noun, columns, [_kept(row, columns) for row in rows])


def _kept(row: Row, columns: Iterable[str]) -> Sequence[Any]:
    return [
        encode_text(row[column]) if column in DOCUMENTS and row[column] is not None else row[column]
        for column in columns
    ]
