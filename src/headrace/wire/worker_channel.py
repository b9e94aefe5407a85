"""The channel between a worker and the server: frames of `/work_pools/{name}/workers/connect` (contract §2).

Frames are strict both ways: a key that is not known is an error, so that two that speak different versions notice.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from headrace.wire.ids import uuid7
from headrace.wire.times import now
from headrace.wire.work_pools import WorkPool

VERSION: Literal["work_pool_worker_channel.v1"] = "work_pool_worker_channel.v1"
HEARTBEAT, SNAPSHOT = "worker_heartbeat.v1", "work_pool_snapshot.v1"
REQUIRED = frozenset((HEARTBEAT, SNAPSHOT))
"""What a worker has to ask for; the server gives nothing beside."""

Seconds = Annotated[int, msgspec.Meta(gt=0, le=2**31 - 1)]
Word = Annotated[str, msgspec.Meta(min_length=1)]


class Strict(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A part of a frame."""


class Hello(Strict, kw_only=True):
    """What a worker says first: who it is, what it understands, and which pool and queues it works for."""

    consumer_id: UUID
    worker_name: Word
    worker_type: Word
    heartbeat_interval_seconds: Seconds
    supported_channel_versions: list[Word]
    requested_capabilities: list[Word]
    work_queue_names: list[Word] = []
    handled_cleanup_kinds: list[str] = []
    max_cleanup_concurrency: Annotated[int, msgspec.Meta(ge=0)] = 0
    create_pool_if_not_found: bool = False
    default_base_job_template: dict[str, Any] = {}
    worker_metadata: dict[str, Any] | None = None


class Heartbeat(Strict, kw_only=True):
    """A worker's sign of life."""

    consumer_id: UUID
    worker_name: Word
    heartbeat_interval_seconds: Seconds


class Snapshot(Strict, kw_only=True):
    """A pool as it is now; `snapshot_sequence` counts from 1 on each connection."""

    snapshot_sequence: int
    reason: str
    work_pool: WorkPool


class ResolvedQueue(Strict, kw_only=True):
    """A queue that the worker asked for by name."""

    id: UUID
    name: str


class Ready(Strict, kw_only=True):
    """The answer to a hello: what was agreed on, and the pool."""

    consumer_id: UUID
    worker_id: UUID | None = None
    selected_channel_version: str = VERSION
    effective_heartbeat_interval_seconds: int
    accepted_capabilities: list[str]
    rejected_capabilities: list[str] = []
    effective_max_cleanup_concurrency: int = 0
    resolved_work_queues: list[ResolvedQueue] = []
    initial_snapshot: Snapshot


class Frame(Strict, kw_only=True, tag_field="type"):
    """What every frame has beside its payload."""

    id: UUID = msgspec.field(default_factory=uuid7)
    sent_at: datetime = msgspec.field(default_factory=now)


class HelloFrame(Frame, kw_only=True, tag="worker.hello.v1"):
    payload: Hello


class HeartbeatFrame(Frame, kw_only=True, tag="worker.heartbeat.v1"):
    payload: Heartbeat


class ReadyFrame(Frame, kw_only=True, tag="worker.ready.v1"):
    payload: Ready


class SnapshotFrame(Frame, kw_only=True, tag="work_pool.snapshot.v1"):
    payload: Snapshot
