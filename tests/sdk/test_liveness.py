"""Leases of runs: what their process does when a renewal tells it to, and when none gets through."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from headrace.sdk.liveness import Leases, RunLease, leases_of
from headrace.sdk.states import Suspended
from headrace.sdk.stopping import Stopped, Stopper
from headrace.settings import Settings
from headrace.wire.errors import HeadraceError, ObjectNotFound, Pause, ServiceUnavailable
from headrace.wire.leases import Directive, Lease
from headrace.wire.states import State, StateType


class Office:
    """An API that answers renewals as it is told to."""

    def __init__(self) -> None:
        self.answer: Lease | HeadraceError = Lease(directive=Directive.GO_ON, state_type=None, state_name=None)
        self.run: State | HeadraceError = State(type=StateType.RUNNING)
        self.asked = 0

    def renew_flow_run_lease(self, run_id: UUID, seconds: float, holder: str) -> Lease:
        self.asked += 1
        if isinstance(self.answer, HeadraceError):
            raise self.answer
        return self.answer

    def read_flow_run(self, run_id: UUID) -> Any:
        if isinstance(self.run, HeadraceError):
            raise self.run
        return SimpleNamespace(state=self.run, state_type=self.run.type)


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def stopper() -> Stopper:
    return Stopper()


@pytest.fixture
def lease(office: Office, stopper: Stopper) -> RunLease:
    settings = Settings()
    leases = Leases(settings, "http://127.0.0.1:1/api")
    leases.__dict__["client"] = office
    run: Any = SimpleNamespace(id=uuid4(), name="today")
    connection = SimpleNamespace(where="http://127.0.0.1:1/api")
    session: Any = SimpleNamespace(settings=settings, connection=connection, recording=None)
    return leases.of(run, stopper, session)


def told(directive: Directive, reason: str | None = None) -> Lease:
    return Lease(directive=directive, state_type=StateType.CANCELLING, state_name="Cancelling", reason=reason)


def test_a_lease_is_renewed_three_times_within_its_length(lease: RunLease, office: Office, stopper: Stopper) -> None:
    assert lease.first == lease.give() == 20
    stopper.check()


def test_a_run_that_is_not_to_go_on_is_stopped_and_keeps_asking(
    lease: RunLease, office: Office, stopper: Stopper
) -> None:
    office.answer = told(Directive.STOP, "The run is being cancelled.")
    assert lease.give() == 20
    with pytest.raises(Stopped, match="being cancelled"):
        stopper.check()
    lease.end()


def test_a_run_that_is_suspended_ends_before_its_next_task(lease: RunLease, office: Office, stopper: Stopper) -> None:
    office.answer, office.run = told(Directive.SUSPEND), Suspended()
    assert lease.give() == 20
    with pytest.raises(Pause):
        stopper.check()


def test_an_api_that_is_away_stops_nothing_and_is_asked_again_soon(
    lease: RunLease, office: Office, stopper: Stopper
) -> None:
    office.answer = ServiceUnavailable("away")
    again = lease.give()
    assert again is not None
    assert again < 20
    stopper.check()


def test_a_run_that_was_deleted_is_stopped(lease: RunLease, office: Office, stopper: Stopper) -> None:
    office.answer = office.run = ObjectNotFound("gone")
    lease.give()
    with pytest.raises(Stopped, match="deleted"):
        stopper.check()
    lease.end()


def test_an_api_without_leases_is_asked_once(lease: RunLease, office: Office, stopper: Stopper) -> None:
    office.answer = ObjectNotFound("no such route")
    assert lease.give() is None
    stopper.check()


def test_there_are_no_leases_in_process_and_where_the_settings_want_none() -> None:
    settings = Settings()
    assert leases_of(settings, "sqlite:///headrace.db") is None
    assert leases_of(settings, "http://127.0.0.1:4200/api") is not None
