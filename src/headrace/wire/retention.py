"""Retention policies: how long what is kept, what that would remove, and what it removed."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from headrace.wire.base import Body, Wire

LONGEST_AGE = 36_500 * 86_400
"""A hundred years in seconds."""
Age = Annotated[float, Meta(gt=0, le=LONGEST_AGE)]
"""Seconds since a run ended, an artifact was made, a line was written or an event came in."""
Kept = Annotated[int, Meta(ge=1, le=1_000_000)]
"""So many of the last ones stay, however old they are: of each flow, or of each artifact's key."""


class RetentionPolicyUpdate(Body, kw_only=True):
    """What a policy is to say: an age, a number to keep, or both."""

    max_age: Age | None = None
    keep_last: Kept | None = None


class RetentionPolicyDraft(RetentionPolicyUpdate, kw_only=True):
    """A policy that is not set yet, for the class of this name."""

    name: str


class RetentionPolicy(Wire, kw_only=True):
    """A policy that is in force for the class of this name.

    `last_removed` is what its last run removed, or the one that goes on since `started` so far, `removed` what all of
    them did. `operation_id` is the delete operation of the last run; where there is none, nothing can be given back.
    """

    name: str
    created: datetime
    updated: datetime
    max_age: float | None = None
    keep_last: int | None = None
    undoable: bool = True
    last_run: datetime | None = None
    started: datetime | None = None
    last_removed: int = 0
    removed: int = 0
    operation_id: UUID | None = None


class RetentionPreviewRequest(Body, kw_only=True):
    """Drafts to look at, as if they were set beside those that are; without any, those that are set."""

    policies: list[RetentionPolicyDraft] | None = None


class RetentionForecast(Wire, kw_only=True):
    """What a policy would remove now.

    `total` is how many, at least so many where `capped`. `rows` are those that go along, by table, and `bytes` the
    room that all of it takes: both are estimated from some of them. `undoable` is false where it goes for good.
    """

    name: str
    max_age: float | None = None
    keep_last: int | None = None
    before: datetime | None = None
    total: int = 0
    capped: bool = False
    rows: dict[str, int] = {}
    bytes: int = 0
    oldest: datetime | None = None
    undoable: bool = True


class RetentionRunRequest(Body, kw_only=True):
    """Which policies to run at once; without names, all of them."""

    names: list[str] | None = None


class RetentionRun(Wire, kw_only=True):
    """What running a policy came to.

    `operation_id` is the delete operation that removes what is due, `removed` what was removed for good meanwhile.
    `more`: not all of it was done within a second; ask again, or leave it to the service. `under_way` is an operation
    of an earlier run that has to end first.
    """

    name: str
    operation_id: UUID | None = None
    removed: int = 0
    more: bool = False
    under_way: UUID | None = None
