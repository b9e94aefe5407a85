"""Operations: changes of many objects that are asked for once, go on by themselves, and can be watched and undone."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, field

from headrace.wire.base import Body, Wire
from headrace.wire.filters import (
    ArtifactFilter,
    AutomationFilter,
    BlockDocumentFilter,
    DeploymentFilter,
    Filter,
    FlowFilter,
    FlowRunFilter,
    TaskRunFilter,
    VariableFilter,
    WorkPoolFilter,
    WorkQueueFilter,
)
from headrace.wire.flow_runs import CreatedBy
from headrace.wire.states import StateCreate

IDEMPOTENCY_HEADER = "idempotency-key"
MOST_IDS = 100_000
"""How many ids one request may name; a filter may match any number."""
LONGEST_KEPT = 36_500 * 86_400
"""Most seconds for which what is deleted can be restored: a hundred years."""


class OperationKind(StrEnum):
    """What an operation does to its items."""

    DELETE = "delete"
    """Hide them from every read; until they are purged they can be restored."""
    RESTORE = "restore"
    PURGE = "purge"
    """Remove for good what is deleted already."""
    CANCEL = "cancel"
    RETRY = "retry"
    SET_STATE = "set_state"


class OperationNoun(StrEnum):
    """What kind of thing the items are."""

    FLOWS = "flows"
    FLOW_RUNS = "flow_runs"
    TASK_RUNS = "task_runs"
    DEPLOYMENTS = "deployments"
    ARTIFACTS = "artifacts"
    VARIABLES = "variables"
    BLOCK_DOCUMENTS = "block_documents"
    AUTOMATIONS = "automations"


class OperationStatus(StrEnum):
    """How far an operation is. An operation that ends with failed items is COMPLETED all the same."""

    ACCEPTED = "accepted"
    """Its items are being written down."""
    RUNNING = "running"
    COMPLETED = "completed"
    ABORTED = "aborted"
    """Somebody stopped it; what was done stays done, and can be undone."""
    FAILED = "failed"
    """It could not go on; `error` says why."""


class ItemStatus(StrEnum):
    """How one item fared."""

    PENDING = "pending"
    DONE = "done"
    SKIPPED = "skipped"
    """There was nothing to do: it was deleted already, is not there, or is in such a state already."""
    FAILED = "failed"
    CONFLICT = "conflict"
    """It cannot be restored: its name has been taken since, or what it belongs to is deleted."""


class ConflictResolution(StrEnum):
    """What a restore does about items whose name has been taken since."""

    FAIL = "fail"
    """Restore nothing, and list them."""
    SKIP = "skip"
    """Leave them in the trash, with what belongs to them, and restore the rest."""
    RENAME = "rename"
    """Give them a new name, such as "etl (restored)"."""


class Target(Body, kw_only=True):
    """What an operation applies to: exactly one of `ids`, `filters`, `everything` and `operation_id`.

    The filters are those of the noun's list, by noun. An empty filter is refused; say `everything`. `operation_id`
    names what one delete operation has removed, for restoring and purging it.
    """

    ids: Annotated[list[UUID], Meta(max_length=MOST_IDS)] | None = None
    filters: "TargetFilters | None" = None
    everything: bool = False
    operation_id: UUID | None = None


class TargetFilters(Body, kw_only=True):
    """Filters of any nouns; all of them have to match (contract §5)."""

    flows: FlowFilter | None = None
    flow_runs: FlowRunFilter | None = None
    task_runs: TaskRunFilter | None = None
    deployments: DeploymentFilter | None = None
    work_pools: WorkPoolFilter | None = None
    work_queues: WorkQueueFilter | None = None
    artifacts: ArtifactFilter | None = None
    variables: VariableFilter | None = None
    block_documents: BlockDocumentFilter | None = None
    automations: AutomationFilter | None = None

    def all(self) -> list[tuple[str, Filter]]:
        """Each filter that is given, with its noun; also one that constrains nothing."""
        found = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return [(noun, value) for noun, value in found if value is not None]


class OperationOptions(Body, kw_only=True):
    """How it is to be done. `children`: with the subflow runs of a flow run. `state` and `force`: for set_state.

    `purge_after`: seconds for which what is deleted can be restored, in place of the setting; 0 purges at once.
    """

    children: bool = True
    state: StateCreate | None = None
    force: bool = False
    purge_after: Annotated[float, Meta(ge=0, le=LONGEST_KEPT)] | None = None
    on_conflict: ConflictResolution = ConflictResolution.FAIL


class OperationCreate(Body, kw_only=True):
    """An operation to begin. `token` is a preview's: if another number matches by now, the answer is 409."""

    kind: OperationKind
    noun: OperationNoun = OperationNoun.FLOW_RUNS
    target: Target
    options: OperationOptions = field(default_factory=OperationOptions)
    reason: Annotated[str, Meta(max_length=2000)] | None = None
    token: str | None = None


class OperationUndo(Body, kw_only=True):
    """How an operation is to be undone, and why."""

    on_conflict: ConflictResolution = ConflictResolution.FAIL
    reason: Annotated[str, Meta(max_length=2000)] | None = None


class OperationPreview(Body, kw_only=True):
    """An operation to be told about, without beginning it."""

    kind: OperationKind
    noun: OperationNoun = OperationNoun.FLOW_RUNS
    target: Target
    options: OperationOptions = field(default_factory=OperationOptions)


class Sample(Wire, kw_only=True):
    """One of the items, to be recognized by a person."""

    id: UUID
    name: str | None = None
    state_name: str | None = None


class Preview(Wire, kw_only=True):
    """What an operation would do now.

    `total` is how many items match, `by_state` how many of them are in which state, `active` how many of them are
    not over yet. `rows` counts what goes along, by table, as far as it was counted within a second (else None).
    """

    token: str
    total: int
    by_state: dict[str, int]
    active: int = 0
    rows: dict[str, int | None] = {}
    samples: list[Sample] = []
    reversible: bool = True
    estimated_seconds: float | None = None


class Operation(Wire, kw_only=True):
    """An operation and how far it is.

    `done` counts the items that were dealt with, of which `changed` were changed, `skipped` had nothing to do and
    `failed` went wrong; `counts` are rows by table. `rate` is items a second, `eta` the seconds left.
    `purge_at` is until when what it deleted can be restored, `purged` since when it is gone for good. `forgotten` is
    since when the list of its items is not kept any more.
    """

    id: UUID
    created: datetime
    kind: OperationKind
    noun: OperationNoun
    status: OperationStatus
    target: dict[str, Any]
    options: dict[str, Any]
    reason: str | None = None
    created_by: CreatedBy | None = None
    policy: str | None = None
    undoes: UUID | None = None
    undone_by: UUID | None = None
    started: datetime | None = None
    finished: datetime | None = None
    total: int | None = None
    done: int = 0
    changed: int = 0
    skipped: int = 0
    failed: int = 0
    counts: dict[str, int] = {}
    rate: float | None = None
    eta: float | None = None
    error: str | None = None
    undoable: bool = False
    purge_at: datetime | None = None
    purged: datetime | None = None
    purged_rows: int = 0
    purged_bytes: int = 0
    forgotten: datetime | None = None


class OperationItem(Wire, kw_only=True):
    """One thing an operation applies to, and how it fared."""

    position: int
    noun: OperationNoun
    id: UUID
    status: ItemStatus
    error: str | None = None


class FailureGroup(Wire, kw_only=True):
    """Items that went wrong for the same reason: how many, and some of them."""

    error: str
    status: ItemStatus
    count: int
    samples: list[UUID]


class TrashItem(Wire, kw_only=True):
    """Something deleted that can be restored until `purge_at` (None: until the trash is emptied)."""

    id: UUID
    noun: OperationNoun
    name: str | None
    state_name: str | None = None
    deleted_at: datetime
    operation_id: UUID
    purge_at: datetime | None = None


class TrashSummary(Wire, kw_only=True):
    """What the trash holds: how many of each noun, in how many operations, the oldest, and what is purged next."""

    counts: dict[str, int]
    operations: int
    oldest: datetime | None = None
    next_purge: datetime | None = None
    overdue: int = 0
