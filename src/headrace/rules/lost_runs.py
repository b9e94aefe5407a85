"""What is said of runs that were not heard of in time, and what is proposed for them."""

from datetime import datetime, timedelta

import msgspec

from headrace.rules.deadlines import Claimed, claim_seconds, is_fetched
from headrace.settings import ServerServicesSettings
from headrace.wire.states import State, StateDetails, StateType

HEARTBEATS = "heartbeats"
"""Who holds the lease of a run that is only heard of by its heartbeats."""


class Silence(msgspec.Struct, frozen=True):
    """Until when a run should have been heard of; under a lease also how long each sign counts, and who gives them."""

    deadline: datetime
    lease_seconds: float | None = None
    holder: str | None = None

    @property
    def since(self) -> datetime | None:
        """When the last sign of life came, where there was any."""
        return None if self.lease_seconds is None else self.deadline - timedelta(seconds=self.lease_seconds)


def lost(current: State, run: Claimed, silence: Silence, services: ServerServicesSettings, moment: datetime) -> State:
    """What is proposed for a run, Running or awaiting a retry, of whose process nothing was heard in time."""
    if current.type is StateType.SCHEDULED and is_fetched(run):
        details = StateDetails(scheduled_time=current.state_details.scheduled_time)
        message = "The process in which the run was to be tried again is gone; it will be tried in another."
        return State(
            type=StateType.SCHEDULED, name=current.name, timestamp=moment, message=message, state_details=details
        )
    return State(type=StateType.CRASHED, timestamp=moment, message=_silence(silence, services))


def unclaimed(
    current: State, run: Claimed, due: datetime | None, claims: int, services: ServerServicesSettings, moment: datetime
) -> State:
    """What is proposed for a Pending run that did not begin in time, and has been claimed so often by now."""
    if not is_fetched(run):
        waited = services.liveness.pending_timeout_seconds
        message = f"The flow run was Pending for {waited:g} s and did not begin: its process is gone."
        return State(type=StateType.CRASHED, timestamp=moment, message=message)
    if claims >= services.liveness.most_claims:
        message = f"The flow run was claimed {claims} times and never began. Look at its worker's log."
        return State(type=StateType.CRASHED, timestamp=moment, message=message)
    waited = claim_seconds(current.name, services)
    message = f"The flow run was {current.name} for {waited:g} s and did not begin; it can be claimed again."
    details = StateDetails(scheduled_time=current.state_details.scheduled_time or due or moment)
    return State(type=StateType.SCHEDULED, timestamp=moment, message=message, state_details=details)


def _silence(silence: Silence, services: ServerServicesSettings) -> str:
    since, seconds = silence.since, silence.lease_seconds
    if since is None or seconds is None:
        return f"The flow run was to go on by {_time(silence.deadline)} and did not: its process is gone."
    if silence.holder == HEARTBEATS:
        missed = services.liveness.missed_heartbeats
        expected = f"a heartbeat was expected every {seconds / missed:g} s, and {missed} were missed."
    else:
        expected = f"{silence.holder or 'its process'} had to renew its lease of {seconds:g} s."
    return f"There was no sign of life of the flow run since {_time(since)}: {expected}"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
