"""What a trigger would have done: the log of the last days shown to it, without any consequence."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Wire
from headrace.wire.triggers import Trigger

MOST_DAYS = 31


class TrialRequest(Body, kw_only=True):
    """A trigger, or the automation whose trigger is meant, and how many days to look back."""

    trigger: Trigger | None = None
    automation_id: UUID | None = None
    days: Annotated[float, msgspec.Meta(gt=0, le=MOST_DAYS)] = 7.0

    def __post_init__(self) -> None:
        """One of both has to be named."""
        super().__post_init__()
        if (self.trigger is None) is (self.automation_id is None):
            raise ValueError("name either a trigger or an automation_id")


class TrialFiring(Wire, kw_only=True):
    """One moment at which the trigger would have fired, and because of what.

    `events` are the ids of the events that made it fire, the last one first.
    """

    triggered: datetime
    reason: str
    labels: dict[str, str] = {}
    events: list[UUID] = []


class Trial(Wire, kw_only=True):
    """What would have happened from `since` until `until`.

    `events` is how many were shown to the trigger, `matched` how many of them it looks for, `count` how often it
    would have fired; `firings` are the first of those. `notice` says so where not all was looked at.
    """

    since: datetime
    until: datetime
    events: int
    matched: int
    count: int
    firings: list[TrialFiring]
    notice: str | None = None
