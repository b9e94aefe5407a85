"""Leases of running flow runs: signs of life that a process gives, and what it is told in return."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from headrace.wire.base import Body, Wire
from headrace.wire.states import StateType

LEASE_HEADER = "x-headrace-lease"
"""On a proposal of Running: for how many seconds the run is taken to be alive without a further sign of life."""

LONGEST_LEASE = 86_400.0

LeaseSeconds = Annotated[float, Meta(gt=0, le=LONGEST_LEASE)]


class Directive(StrEnum):
    """What the process of a run is to do."""

    GO_ON = "go_on"
    STOP = "stop"
    """The run is being cancelled, is over, or is to be started anew elsewhere."""
    SUSPEND = "suspend"
    """The run is suspended: the process ends, and the run goes on in another once it is resumed."""


class LeaseRenewal(Body, kw_only=True):
    """A sign of life: the run is alive for so many `seconds` from now, in the process `holder` ("host-pid")."""

    seconds: LeaseSeconds
    holder: Annotated[str, Meta(max_length=255)] | None = None


class Lease(Wire, kw_only=True):
    """How the run stands. `deadline` is when the server ends its state by itself, `reason` why it is not to go on."""

    directive: Directive
    state_type: StateType | None
    state_name: str | None
    deadline: datetime | None = None
    reason: str | None = None
