"""One attempt to carry out an action: done, refused for good, or put off."""

import asyncio
import logging

from headrace.server.automations.actions import claims
from headrace.server.automations.actions.executing import execute
from headrace.server.automations.actions.queries import Job
from headrace.server.automations.actions.work import ActionFailed, ClaimLost, Work
from headrace.server.automations.events import Ending
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.errors import HeadraceError, ServiceUnavailable
from headrace.wire.times import now

LONGEST = 60.0
"""Seconds an action may take."""

_log = logging.getLogger("headrace.server.actions")


class _Later(Exception):
    """Trying once more may help; the message says what stood in the way."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.reason)
        self.ending = ending


async def attempt(store: Store, settings: Settings, job: Job) -> None:
    """Carry out an action that was claimed, and write how it came out.

    Refusals are final. What may pass, such as a database that is away or a host that cannot be reached, has the
    action tried again, until it has been begun as often as it may be.
    """
    try:
        ending = await _outcome(Work(store, settings, job, now()))
    except ClaimLost as lost:
        _log.warning("action_claim_lost", extra={"action": str(job.id), "reason": str(lost)})
        return
    except _Later as later:
        if not job.is_last_attempt:
            await claims.put_off(store, job, str(later), now())
            return
        ending = later.ending
    if ending is not None:
        if ending.reason is not None:
            facts = {"action": str(job.id), "type": job.action.type, "reason": ending.reason}
            _log.warning("action_failed", extra=facts | {"automation": job.cause.automation.name})
        async with store.transaction() as transaction:
            await claims.end(transaction, job, ending, now())


async def _outcome(work: Work) -> Ending | None:
    try:
        async with asyncio.timeout(LONGEST):
            return await execute(work)
    except ActionFailed as failed:
        if failed.again:
            raise _Later(failed.ending) from failed
        return failed.ending
    except ServiceUnavailable as error:
        raise _Later(Ending(reason=str(error))) from error
    except TimeoutError as error:
        raise _Later(Ending(reason=f"It took longer than {LONGEST:g} seconds.")) from error
    except ClaimLost:
        raise
    except HeadraceError as error:
        return Ending(reason=str(error), result={"status_code": error.status})
    except Exception as error:
        # A fault of ours in one action must not keep the others from being carried out.
        _log.error("action_crashed", exc_info=error, extra={"action": str(work.job.id)})
        return Ending(reason=f"An error of the server kept it from being carried out: {error!r}")
