"""A proposed state on its way in, and the server's answer on its way out (contract §4.2)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar, assert_never

import msgspec

from headrace.rules.transitions import Abort, Accept, Decision, Entry, Reject, Wait
from headrace.server.context import NO_HEADERS, Context
from headrace.settings import ServerConcurrencySettings, ServerServicesSettings, Settings
from headrace.wire.flow_runs import CreatedBy
from headrace.wire.orchestration import OrchestrationResult, OutcomeDetails, SetStateStatus
from headrace.wire.states import State, StateCreate
from headrace.wire.times import now

C = TypeVar("C")


class Asker(msgspec.Struct, frozen=True):
    """Who proposes a state, when and under which settings: the rules treat old clients differently."""

    now: datetime
    api_version: tuple[int, ...] | None = None
    client_version: str | None = None
    concurrency: ServerConcurrencySettings = ServerConcurrencySettings()
    services: ServerServicesSettings = ServerServicesSettings()
    lease_seconds: float | None = None
    """For how long a run that begins to run is taken to be alive without a further sign of life, if it is told."""
    headers: Mapping[str, str] = NO_HEADERS
    """Those of the request, where there is one: they tell who asks."""
    on_behalf_of: CreatedBy | None = None
    """On whose behalf the server proposes something, such as an automation's."""

    @classmethod
    def of(cls, ctx: Context, lease_seconds: float | None = None) -> "Asker":
        """The client that sent the request."""
        server = ctx.settings.server
        return cls(
            ctx.received,
            ctx.api_version,
            ctx.client_version,
            server.concurrency,
            server.services,
            lease_seconds,
            ctx.headers,
        )

    @classmethod
    def server(
        cls, settings: Settings, moment: datetime | None = None, on_behalf_of: CreatedBy | None = None
    ) -> "Asker":
        """The server itself, now unless another moment is given."""
        server = settings.server
        return cls(moment or now(), concurrency=server.concurrency, services=server.services, on_behalf_of=on_behalf_of)


class Outcome(msgspec.Struct, frozen=True):
    """The answer to a proposal: the run's state now, and whether it was written just for this proposal."""

    state: State | None
    status: SetStateStatus
    details: OutcomeDetails
    written: bool = False

    @property
    def result(self) -> OrchestrationResult:
        """The outcome as the contract's JSON."""
        return OrchestrationResult(state=self.state, status=self.status, details=self.details)

    @property
    def http_status(self) -> int:
        """201 where a state was written, 200 where none was."""
        return 201 if self.written else 200


def proposed(state: StateCreate, moment: datetime) -> State:
    """The state that a client proposes, with an id of its own and the time of the request."""
    return State(
        type=state.type,
        name=state.name or "",
        timestamp=moment,
        message=state.message,
        data=state.data,
        state_details=state.state_details,
    )


def entry_of(decision: Decision[C]) -> Entry[C] | None:
    """What a decision asks to be written, if anything."""
    match decision:
        case Accept(entry=entry):
            return entry
        case Reject(entry=entry):
            return entry
        case Wait() | Abort():
            return None
        case _:
            assert_never(decision)


def outcome_of(decision: Decision[Any], current: State | None) -> Outcome:
    """The answer that a decision is, once what it asks for has been written; `current` is the state before."""
    entry = entry_of(decision)
    state, written = (current, False) if entry is None else (entry.state, True)
    match decision:
        case Accept():
            return Outcome(state, SetStateStatus.ACCEPT, OutcomeDetails(type="accept_details"), written)
        case Reject(reason=reason):
            details = OutcomeDetails(type="reject_details", reason=reason)
            return Outcome(state, SetStateStatus.REJECT, details, written)
        case Wait(delay_seconds=delay, reason=reason):
            details = OutcomeDetails(type="wait_details", delay_seconds=delay, reason=reason)
            return Outcome(state, SetStateStatus.WAIT, details)
        case Abort(reason=reason):
            return refusal(SetStateStatus.ABORT, reason, state)
        case _:
            assert_never(decision)


def refusal(status: SetStateStatus, reason: str, state: State | None = None) -> Outcome:
    """An answer that writes nothing and tells the client to give up."""
    return Outcome(state, status, OutcomeDetails(type="abort_details", reason=reason))
