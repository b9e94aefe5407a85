"""What some rules must know about the world, and how they say so before they are asked.

A rule that cannot be decided from the run and the proposal alone declares `Needs`. The service asks
`transitions.needs(policy, proposal)`, looks up what the answer names, inside the transaction that will
write the state, and hands it in as `Facts`. For most transitions the answer is `Needs.NOTHING`.
"""

from enum import Flag, StrEnum
from uuid import UUID

import msgspec

from headrace.wire.schedules import IfRunning
from headrace.wire.states import State, StateType


class Needs(Flag):
    """Things to look up; each names the field of `Facts` that answers it."""

    NOTHING = 0
    DEPLOYMENT = 1
    """`deployment`: the run's deployment with its slots, locked until the transaction ends."""
    LEASE = 2
    """`lease_alive`: whether the lease that the current state's details name still holds."""
    FLOW_RUN = 4
    """`flow_run`: the flow run that encloses the task run."""
    TAG_LIMITS = 8
    """`tag_limits`: the active limits on the task run's tags, locked until the transaction ends."""
    CACHED_STATE = 16
    """`cached_state`: the newest unexpired Completed state under the proposal's cache key."""
    OVERLAP = 32
    """`overlap`: the other runs of the deployment that go on, where the run's schedule minds them."""


class CollisionStrategy(StrEnum):
    """What becomes of a run for which its deployment has no free slot."""

    ENQUEUE = "ENQUEUE"
    CANCEL_NEW = "CANCEL_NEW"


class DeploymentSlots(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment's concurrency limit; `limit_id` and `limit` are None where it has none.

    `lease_seconds` is how long a slot is held before the run must have started,
    `wait_seconds` after how long a run that found no slot tries again.
    """

    limit_id: UUID | None = None
    limit: int | None = None
    active_slots: int = 0
    strategy: CollisionStrategy = CollisionStrategy.ENQUEUE
    lease_seconds: float = 300.0
    wait_seconds: float = 30.0

    @property
    def full(self) -> bool:
        """Whether one more run would go over the limit."""
        return self.limit is not None and self.active_slots >= self.limit


class EnclosingFlowRun(msgspec.Struct, frozen=True, kw_only=True):
    """The flow run that a task run belongs to."""

    id: UUID
    run_count: int = 0
    state: State | None = None

    @property
    def state_type(self) -> StateType | None:
        return None if self.state is None else self.state.type


class TagLimit(msgspec.Struct, frozen=True, kw_only=True):
    """The active concurrency limit on one tag; `average_occupancy` is in seconds.

    `held` says that the task run has one of its slots already.
    """

    tag: str
    limit: int
    active_slots: int = 0
    average_occupancy: float = 2.0
    held: bool = False

    @property
    def full(self) -> bool:
        """Whether there is no slot for this task run."""
        return not self.held and self.active_slots >= self.limit


class Overlap(msgspec.Struct, frozen=True, kw_only=True):
    """The runs of a deployment that have begun and not ended, and what the schedule of another one makes of that."""

    if_running: IfRunning
    under_way: tuple[UUID, ...] = ()


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The answers to `Needs`. A field that nobody asked for keeps its default.

    Of what was asked for, None means that there is none: no such deployment, nothing cached.
    """

    deployment: DeploymentSlots | None = None
    lease_alive: bool = False
    flow_run: EnclosingFlowRun | None = None
    tag_limits: tuple[TagLimit, ...] = ()
    cached_state: State | None = None
    overlap: Overlap | None = None


NO_FACTS = Facts()
