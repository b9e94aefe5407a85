"""A small world of every noun that filters speak of, as plain values: what the filters are tried on.

The same values go into a store and into `reference`, which says by hand what each filter means.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from headrace.server.store.base import Store
from headrace.server.store.tallies import ADD
from headrace.wire.base import encode_text
from headrace.wire.states import StateType

BEGINNING = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAMES = ("alpha", "Beta", "alpha-beta", "per%cent", "under_score", "back\\slash", "gamma")
TAGS = ("red", "green", "blue", 'quo"te')
STATE_NAMES = ("Scheduled", "Late", "Running", "Completed", "Failed", "AwaitingRetry")
TYPES = ("process", "kubernetes", "table")
WORDS = ("lost", "found", "Lost", "Luggage", "connection", "100%", "a_b")
DOCUMENTS = frozenset(
    {
        "tags",
        "labels",
        "created_by",
        "parameters",
        "empirical_policy",
        "task_inputs",
        "state_details",
        "capabilities",
    }
)
NOUNS = (
    "flows",
    "work_pools",
    "work_queues",
    "workers",
    "deployments",
    "flow_runs",
    "task_runs",
    "logs",
    "artifacts",
    "artifact_collections",
    "variables",
    "block_types",
    "block_schemas",
    "block_documents",
)
"""The tables, each after those it refers to."""
RUNS = ("flow_runs", "task_runs")

Row = dict[str, Any]


@dataclass
class World:
    """Rows by table, in no order, and the flow runs that are hidden with all that is theirs."""

    tables: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    hidden: set[UUID] = field(default_factory=set[UUID])

    def rows(self, noun: str) -> list[Row]:
        return self.tables[noun]

    def live(self, noun: str) -> list[Row]:
        """What a user can see."""
        return [row for row in self.rows(noun) if row.get("deleted_at") is None and not self._is_gone(noun, row)]

    def _is_gone(self, noun: str, row: Row) -> bool:
        """Whether what the row belongs to is hidden, or deleted where it has no mark of its own."""
        match noun:
            case "flow_runs":
                return row["id"] in self.hidden
            case "task_runs":
                return row["flow_run_id"] in self.hidden
            case "artifacts":
                return self._flow_run_of(row) in self.hidden
            case "logs":
                marked = {one["id"] for noun in RUNS for one in self.rows(noun) if one["deleted_at"] is not None}
                return self._flow_run_of(row) in self.hidden or not marked.isdisjoint(
                    (row["flow_run_id"], row["task_run_id"])
                )
            case _:
                return False

    def _flow_run_of(self, row: Row) -> UUID | None:
        if row["flow_run_id"] is not None or row["task_run_id"] is None:
            return row["flow_run_id"]
        return next((one["flow_run_id"] for one in self.rows("task_runs") if one["id"] == row["task_run_id"]), None)

    def values(self) -> "Pools":
        """What filters can ask about with a chance to find something."""
        ids = [row["id"] for noun in NOUNS if noun != "logs" for row in self.rows(noun)]
        ids += [row["latest_id"] for row in self.rows("artifact_collections")]
        ids += [UUID(row["created_by"]["id"]) for row in self.rows("flow_runs") if row["created_by"]]
        runs = self.rows("flow_runs") + self.rows("task_runs")
        moments = [row["start_time"] for row in runs if row["start_time"]]
        moments += [row["expected_start_time"] for row in self.rows("flow_runs")]
        return Pools(ids=ids, moments=moments)


@dataclass
class Pools:
    ids: list[UUID]
    moments: list[datetime]
    texts: tuple[str, ...] = (
        *NAMES,
        *TAGS,
        *STATE_NAMES,
        *TYPES,
        *("v1", "v2", "key-3", "queue", "DEPLOYMENT", "%", "a", "ALPHA", "_"),
    )


def make_world(seed: int = 11, flow_runs: int = 40, task_runs: int = 60, logs: int = 60) -> World:
    """A world that is always the same for a seed."""
    chance = random.Random(seed)
    world = World()
    tables = world.tables
    tables["flows"] = [_flow(chance, number) for number in range(5)]
    tables["work_pools"] = [_work_pool(chance, number) for number in range(4)]
    tables["work_queues"] = [_work_queue(chance, number, world) for number in range(10)]
    tables["workers"] = [_worker(chance, number, world) for number in range(12)]
    tables["deployments"] = [_deployment(chance, number, world) for number in range(14)]
    tables["task_runs"] = [_task_run(chance, number) for number in range(task_runs)]
    tables["flow_runs"] = [_flow_run(chance, number, world) for number in range(flow_runs)]
    for number, row in enumerate(tables["task_runs"]):
        row["flow_run_id"] = chance.choice(tables["flow_runs"])["id"] if number % 5 else None
    tables["logs"] = [_log(chance, number, world) for number in range(logs)]
    tables["artifacts"] = [_artifact(chance, number, world) for number in range(30)]
    tables["artifact_collections"] = [_collection(chance, number, world) for number in range(20)]
    tables["variables"] = [_variable(chance, name) for name in NAMES]
    tables["block_types"] = [_block_type(chance, number) for number in range(5)]
    tables["block_schemas"] = [_block_schema(chance, number, world) for number in range(10)]
    tables["block_documents"] = [_block_document(chance, number, world) for number in range(20)]
    world.hidden = {row["id"] for number, row in enumerate(tables["flow_runs"]) if number % 7 == 3}
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
        "flow_id": chance.choice(world.rows("flows")[:4])["id"],
        "deployment_id": _maybe(chance, _maybe(chance, _any(chance, world, "deployments")) or _id(chance)),
        "work_queue_id": _maybe(chance, _any(chance, world, "work_queues")),
        "work_queue_name": _maybe(chance, "queue"),
        "flow_version": _maybe(chance, chance.choice(("v1", "v2"))),
        "parameters": {},
        "idempotency_key": _maybe(chance, f"key-{number}"),
        "empirical_policy": {},
        "tags": _tags(chance),
        "labels": {},
        "parent_task_run_id": _any(chance, world, "task_runs") if number % 3 == 0 else None,
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
        "flow_run_id": _any(chance, world, "flow_runs"),
        "task_run_id": _maybe(chance, _any(chance, world, "task_runs")),
    }


def _work_pool(chance: random.Random, number: int) -> Row:
    return {
        **_kept_row(chance),
        "name": NAMES[number],
        "type": chance.choice(TYPES),
        "deleted_at": BEGINNING if number == 3 else None,
    }


def _work_queue(chance: random.Random, number: int, world: World) -> Row:
    return {
        **_kept_row(chance),
        "work_pool_id": _any(chance, world, "work_pools"),
        "name": NAMES[number % len(NAMES)] + "!" * (number // len(NAMES)),
    }


def _worker(chance: random.Random, number: int, world: World) -> Row:
    return {
        **_kept_row(chance),
        "work_pool_id": _any(chance, world, "work_pools"),
        "name": f"worker-{number}",
        "last_heartbeat_time": _maybe(chance, _moment(chance)),
        "heartbeat_interval_seconds": _maybe(chance, chance.choice((5, 60))),
    }


def _deployment(chance: random.Random, number: int, world: World) -> Row:
    return {
        **_kept_row(chance),
        "flow_id": _any(chance, world, "flows"),
        "name": NAMES[number % len(NAMES)] + "!" * (number // len(NAMES)),
        "paused": chance.random() < 0.5,
        "tags": _tags(chance),
        "work_queue_id": _maybe(chance, _any(chance, world, "work_queues")),
        "work_queue_name": _maybe(chance, chance.choice(("queue", "alpha"))),
    }


def _artifact(chance: random.Random, number: int, world: World) -> Row:
    return {
        **_kept_row(chance),
        "key": _maybe(chance, chance.choice(NAMES)),
        "type": _maybe(chance, chance.choice(TYPES)),
        "flow_run_id": _maybe(chance, _any(chance, world, "flow_runs")),
        "task_run_id": _maybe(chance, _any(chance, world, "task_runs")),
    }


def _collection(chance: random.Random, number: int, world: World) -> Row:
    return {
        **_artifact(chance, number, world),
        "key": NAMES[number % len(NAMES)] + "!" * (number // len(NAMES)),
        "latest_id": _any(chance, world, "artifacts"),
    }


def _variable(chance: random.Random, name: str) -> Row:
    return {**_kept_row(chance), "name": name, "tags": _tags(chance)}


def _block_type(chance: random.Random, number: int) -> Row:
    return {**_kept_row(chance), "name": NAMES[number], "slug": NAMES[number].lower()}


def _block_schema(chance: random.Random, number: int, world: World) -> Row:
    return {
        **_kept_row(chance),
        "checksum": f"sha256:{number}",
        "capabilities": _tags(chance),
        "version": chance.choice(("v1", "v2")),
        "block_type_id": _any(chance, world, "block_types"),
    }


def _block_document(chance: random.Random, number: int, world: World) -> Row:
    return {
        **_kept_row(chance),
        "name": NAMES[number % len(NAMES)] + "!" * (number // len(NAMES)),
        "data": "{}",
        "is_anonymous": chance.random() < 0.3,
        "block_type_id": _any(chance, world, "block_types"),
        "block_schema_id": _any(chance, world, "block_schemas"),
    }


def _kept_row(chance: random.Random) -> Row:
    return {
        "id": _id(chance),
        "created": _moment(chance),
        "updated": _moment(chance),
        "deleted_at": _deleted(chance),
    }


def _any(chance: random.Random, world: World, noun: str) -> UUID:
    """The id of one of the noun's rows."""
    return chance.choice(world.rows(noun))["id"]


async def fill(store: Store, world: World) -> None:
    """Put the world into an empty store."""
    for noun in NOUNS:
        rows = world.rows(noun)
        columns = list(rows[0])
        await store.insert_many(noun, columns, [_kept(row, columns) for row in rows])
    await store.insert_many("hidden_runs", ("id", "operation_id"), [(id_, UUID(int=1)) for id_ in world.hidden])
    for noun in RUNS:
        shown = sum(row.get("deleted_at") is None for row in world.rows(noun))
        await store.execute(ADD, noun, len(world.live(noun)) - shown)


def _kept(row: Row, columns: Iterable[str]) -> Sequence[Any]:
    return [
        encode_text(row[column]) if column in DOCUMENTS and row[column] is not None else row[column]
        for column in columns
    ]
