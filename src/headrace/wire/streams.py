"""The frames of `/x/stream`: many subscriptions on one WebSocket (docs/guide/streams.md)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Wire
from headrace.wire.states import StateType

SubscriptionId = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Channel(StrEnum):
    """What can be subscribed to."""

    EVENTS = "events"
    LOGS = "logs"
    RUNS = "runs"


class RunChangeFilter(Body, kw_only=True):
    """Which state changes of flow runs; each list offers alternatives, all that are given have to hold."""

    flow_run_id: list[UUID] | None = None
    flow_id: list[UUID] | None = None
    deployment_id: list[UUID] | None = None
    state_type: list[StateType] | None = None
    state_name: list[str] | None = None


class RunChange(Wire, kw_only=True):
    """A flow run has entered a state."""

    flow_run_id: UUID
    name: str
    flow_id: UUID | None
    deployment_id: UUID | None
    state_id: UUID
    state_type: StateType
    state_name: str
    state_message: str
    timestamp: datetime
    run_count: int


class Subscribe(Body, kw_only=True, tag_field="type", tag="subscribe"):
    """Ask for a channel under an id of the client's choice.

    With a `cursor` it goes on behind that place; without, it begins at the end of the log, or with `backfill` at what
    the last fifteen minutes brought. `filter` is an `EventFilter`, a `LogFilter` or a `RunChangeFilter`.
    """

    id: SubscriptionId
    channel: Channel
    filter: msgspec.Raw = msgspec.Raw(b"{}")
    cursor: str | None = None
    backfill: bool = False


class Unsubscribe(Body, kw_only=True, tag_field="type", tag="unsubscribe"):
    """End a subscription."""

    id: SubscriptionId


ClientFrame = Subscribe | Unsubscribe


class Subscribed(Wire, kw_only=True, tag_field="type", tag="subscribed"):
    """The subscription has begun behind `cursor`."""

    id: str
    channel: Channel
    cursor: str


class Unsubscribed(Wire, kw_only=True, tag_field="type", tag="unsubscribed"):
    """The subscription has ended; nothing more comes for it."""

    id: str


class Items(Wire, kw_only=True, tag_field="type", tag="items"):
    """What is new: events, log lines or run changes, in the order of the log. `cursor` is the place behind them."""

    id: str
    cursor: str
    items: list[msgspec.Raw]


class GapFrame(Wire, kw_only=True, tag_field="type", tag="gap"):
    """Something between two places can not be sent any more. `reason` is `trimmed` (retention has removed rows)
    or `foreign` (the cursor is of another database; the subscription goes on at the end of this one's log).
    """

    id: str
    from_: str = msgspec.field(name="from")
    to: str
    reason: str


class Heartbeat(Wire, kw_only=True, tag_field="type", tag="heartbeat"):
    """A sign of life, with the place of each subscription: everything that matches up to there was sent."""

    cursors: dict[str, str]


class ErrorFrame(Wire, kw_only=True, tag_field="type", tag="error"):
    """A frame was refused; the socket and its other subscriptions go on. `message` says what to do."""

    id: str | None
    code: str
    message: str


ServerFrame = Subscribed | Unsubscribed | Items | GapFrame | Heartbeat | ErrorFrame
