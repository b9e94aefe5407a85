"""What a flow run's events are related to: its flow, deployment, queue, pool, parent, tags and creator.

Names and tags are looked up once and remembered for moments, because a run enters state after state. What this server
changes is seen at once (`Topic.NAMES`), what another one changes within seconds. Ids are the run's own, never old.
"""

import time
from collections.abc import Iterable
from itertools import islice
from uuid import UUID

import msgspec

from headrace.server.events.facts import NO_LABELS, resource
from headrace.server.flow_runs.queries import Orchestrated
from headrace.server.store.base import Connection, Statement, Store, Topic
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.wire.base import encode_text
from headrace.wire.events import RESOURCE_ID, RESOURCE_ROLE, Resource

MOST_RELATED = 100
_SECONDS = 5.0
"""For how long names that another server may have changed are believed."""
_CAPACITY = 2_000
_CREATORS = {"DEPLOYMENT": "deployment", "AUTOMATION": "automation"}


class Related(msgspec.Struct, frozen=True):
    """The related resources of an event: as JSON text, and the id and role of each."""

    text: str
    resources: tuple[tuple[str, str], ...]


class Names(msgspec.Struct, kw_only=True):
    """What the objects around a run are called, None for those that are not there."""

    flow_name: str
    flow_tags: list[str]
    deployment_name: str | None = None
    deployment_tags: list[str] | None = None
    queue_name: str | None = None
    pool_id: UUID | None = None
    pool_name: str | None = None
    pool_type: str | None = None
    parent_name: str | None = None
    parent_tags: list[str] | None = None


_TAGS = JSON(list[str])
_NAMES = Reader(
    Names,
    {
        "flow_name": Kind.TEXT,
        "flow_tags": _TAGS,
        "deployment_name": Kind.TEXT,
        "deployment_tags": _TAGS,
        "queue_name": Kind.TEXT,
        "pool_id": Kind.UUID,
        "pool_name": Kind.TEXT,
        "pool_type": Kind.TEXT,
        "parent_name": Kind.TEXT,
        "parent_tags": _TAGS,
    },
)
_LOOK_UP = Statement(
    """
    SELECT f.name, f.tags, d.name, d.tags, q.name, p.id, p.name, p.type, t.name, t.tags
    FROM flows f
    LEFT JOIN deployments d ON d.id = $2 AND d.deleted_at IS NULL
    LEFT JOIN work_queues q ON q.id = $3 AND q.deleted_at IS NULL
    LEFT JOIN work_pools p ON p.id = q.work_pool_id AND p.deleted_at IS NULL
    LEFT JOIN task_runs t ON t.id = $4 AND t.deleted_at IS NULL
    WHERE f.id = $1
    """
)
_NOTHING = Related("[]", ())


class Relations:
    """The relations of the runs of one store, as they were looked up last."""

    def __init__(self, store: Store) -> None:
        self._changes = store.announced(Topic.NAMES)
        self._known: dict[object, tuple[float, Related]] = {}

    async def of(self, connection: Connection, run: Orchestrated) -> Related:
        """What the events of a run are related to now."""
        self._forget_what_changed()
        key = _key(run)
        until, found = self._known.get(key, (0.0, _NOTHING))
        if until > time.monotonic():
            return found
        row = await connection.fetch_one(
            _LOOK_UP, run.flow_id, run.deployment_id, run.work_queue_id, run.parent_task_run_id
        )
        if row is None:
            return _NOTHING  # there is no such flow, so nothing will be written
        found = _related(run, _NAMES.one(row, connection.dialect))
        if not self._forget_what_changed():  # else it may be older than the change
            if len(self._known) >= _CAPACITY:
                self._known.clear()
            self._known[key] = (time.monotonic() + _SECONDS, found)
        return found

    def _forget_what_changed(self) -> bool:
        changed = self._changes.heard()
        if changed:
            self._known.clear()
        return changed


def _key(run: Orchestrated) -> object:
    creator = run.created_by
    made_by = None if creator is None else (creator.type, creator.id)
    return (run.flow_id, run.deployment_id, run.work_queue_id, run.parent_task_run_id, made_by, *run.tags)


def _related(run: Orchestrated, names: Names) -> Related:
    """In the contract's order (§6.3); clients refuse an event with more than so many, so the last tags give way."""
    objects, creator = list(_objects(run, names)), list(_creator(run))
    tags = islice(_tags(run, names), MOST_RELATED - len(objects) - len(creator))
    labels = [*objects, *tags, *creator]
    return Related(encode_text(labels), tuple((one[RESOURCE_ID], one[RESOURCE_ROLE]) for one in labels))


def _objects(run: Orchestrated, names: Names) -> Iterable[Resource]:
    yield resource("flow", run.flow_id, names.flow_name, "flow")
    if run.deployment_id is not None and names.deployment_name is not None:
        yield resource("deployment", run.deployment_id, names.deployment_name, "deployment")
    if run.work_queue_id is not None and names.queue_name is not None:
        yield resource("work-queue", run.work_queue_id, names.queue_name, "work-queue")
    if names.pool_id is not None:
        more = NO_LABELS if names.pool_type is None else {"prefect.work-pool.type": names.pool_type}
        yield resource("work-pool", names.pool_id, names.pool_name, "work-pool", more)
    if run.parent_task_run_id is not None and names.parent_name is not None:
        yield resource("task-run", run.parent_task_run_id, names.parent_name, "task-run")


def _tags(run: Orchestrated, names: Names) -> Iterable[Resource]:
    given = {*run.tags, *names.flow_tags, *(names.deployment_tags or ()), *(names.parent_tags or ())}
    return (resource("tag", tag, role="tag") for tag in sorted(given))


def _creator(run: Orchestrated) -> Iterable[Resource]:
    creator = run.created_by
    if creator is not None and creator.id is not None and creator.type in _CREATORS:
        yield resource(_CREATORS[creator.type], creator.id, creator.display_value, "creator")
