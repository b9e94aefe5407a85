"""The question "may this run enter that state?" and its answers (contract §4.2)."""

from enum import StrEnum
from typing import Literal
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Wire
from headrace.wire.states import State, StateCreate


class SetStateStatus(StrEnum):
    """How the server answered a proposed state."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    ABORT = "ABORT"
    WAIT = "WAIT"


class StateAcceptDetails(Wire, kw_only=True):
    type: Literal["accept_details"] = "accept_details"


class StateRejectDetails(Wire, kw_only=True):
    type: Literal["reject_details"] = "reject_details"
    reason: str | None = None


class StateAbortDetails(Wire, kw_only=True):
    type: Literal["abort_details"] = "abort_details"
    reason: str | None = None


class StateWaitDetails(Wire, kw_only=True):
    type: Literal["wait_details"] = "wait_details"
    delay_seconds: int
    reason: str | None = None


class OutcomeDetails(Wire, kw_only=True, omit_defaults=True):
    """Any of the four kinds of details; a field that a kind does not have is left out."""

    type: Literal["accept_details", "reject_details", "abort_details", "wait_details"]
    reason: str | None = None
    delay_seconds: int | None = None


class SetState(Body, kw_only=True):
    """`force` skips every rule that could refuse; bookkeeping is done all the same."""

    state: StateCreate
    force: bool = False


class OrchestrationResult(Wire, kw_only=True):
    """The server's answer: the run's state now, how the proposal fared, and why."""

    state: State | None
    status: SetStateStatus
    details: OutcomeDetails


class BulkSetStateItem(Wire, kw_only=True):
    """How one run of a bulk change fared."""

    flow_run_id: UUID
    status: SetStateStatus
    state: State | None = None
    details: OutcomeDetails = msgspec.field(default_factory=lambda: OutcomeDetails(type="accept_details"))


class BulkSetStateResult(Wire, kw_only=True):
    results: list[BulkSetStateItem]
