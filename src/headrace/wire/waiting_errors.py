"""Errors of waiting: for a person to resume a run, for a run to finish, for a slot to be free."""

from headrace.wire.errors import RunError


class PauseTimeout(RunError, TimeoutError):
    """A paused run was not resumed in time."""

    code = "pause_timed_out"


class WaitTimeout(RunError, TimeoutError):
    """A run that was waited for did not finish in time; it goes on."""

    code = "wait_timed_out"


class SlotsNotAcquired(RunError):
    """No slot of a concurrency limit could be had."""

    code = "slots_not_acquired"


class SlotsTimeout(SlotsNotAcquired, TimeoutError):
    """The slots of a concurrency limit were not free in time."""

    code = "slots_timed_out"
