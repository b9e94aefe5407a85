"""What a decision asks for besides the state and run rows; the service carries it out in the same transaction."""

from datetime import datetime
from uuid import UUID

import msgspec


class Effect(msgspec.Struct, frozen=True):
    """Base of all effects."""


class EmitStateEvent(Effect, frozen=True):
    """Record the event that tells the world about the state that is written."""


class MirrorToParentTaskRun(Effect, frozen=True):
    """Force a copy of the written state onto the task run that tracks this subflow.

    `bookkeeping.mirrored` makes the copy.
    """

    task_run_id: UUID


class RetryFailedTaskRuns(Effect, frozen=True):
    """Move the run's failed task runs to AwaitingRetry, due at `scheduled_time`: clients before 0.8.3 expect it."""

    scheduled_time: datetime


class AcquireSlot(Effect, frozen=True):
    """Take one slot of the limit on the run's deployment, under a new lease with this id and time to live."""

    limit_id: UUID
    lease_id: UUID
    lease_seconds: float


class RenewLease(Effect, frozen=True):
    """Let the lease live this much longer, from now."""

    lease_id: UUID
    lease_seconds: float


class KeepLease(Effect, frozen=True):
    """Let the lease hold until it is released: the client that runs under it knows nothing of renewing it."""

    lease_id: UUID


class ReleaseSlot(Effect, frozen=True):
    """End the lease and free the slot it holds. A lease that is gone already took its slot along."""

    lease_id: UUID


class AcquireTagSlots(Effect, frozen=True):
    """Take one slot of each tag's limit for the task run, under one new lease with this id that never runs out."""

    tags: tuple[str, ...]
    lease_id: UUID


class ReleaseTagSlots(Effect, frozen=True):
    """End whatever leases the task run holds on the limits of these tags."""

    tags: tuple[str, ...]


class RememberCached(Effect, frozen=True):
    """File the written state under a cache key, until `expiration` or for good."""

    cache_key: str
    expiration: datetime | None


class Enqueue(Effect, frozen=True):
    """Offer the task run to the workers that serve its task; retries are offered before new work."""

    task_key: str
    retry: bool
