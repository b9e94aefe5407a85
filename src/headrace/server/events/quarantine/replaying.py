"""Gives events that were kept aside to those who could not do anything with them, once more."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from headrace.server.events import arrivals, writing
from headrace.server.events.arrivals import Arrival, Refusal
from headrace.server.events.quarantine import service
from headrace.server.events.quarantine.entries import INGEST, TASK_RUN_RECORDER, TRIGGERS, Entry
from headrace.server.store.base import Store
from headrace.server.task_runs.recording import service as recording
from headrace.server.task_runs.recording.reports import Report
from headrace.wire.errors import InternalError, ObjectNotFound, RequestError
from headrace.wire.quarantine import QuarantineSelection, Replay

Replayer = Callable[[Store, UUID, Entry], Awaitable[str | None]]
"""Tries again and removes the entry in the same transaction, or says why it failed."""


async def replay(store: Store, wanted: QuarantineSelection) -> Replay:
    """Try those that are chosen again, oldest first; those that fail stay, with the new reason."""
    replayed = failed = 0
    for id in await service.ids(store, wanted):
        try:
            reason = await _replay(store, id)
        except ObjectNotFound:
            continue
        if reason is None:
            replayed += 1
        else:
            failed += 1
            await service.explain(store, id, reason)
    return Replay(replayed=replayed, failed=failed)


async def _replay(store: Store, id: UUID) -> str | None:
    entry = await service.read(store, id)
    replayer = REPLAYERS.get(entry.consumer)
    if replayer is None:
        return f"no consumer {entry.consumer!r} is known here, so that nobody could handle it"
    try:
        return await replayer(store, id, entry)
    except (RequestError, InternalError) as error:
        return str(error)


async def _into_log(store: Store, id: UUID, entry: Entry) -> str | None:
    match arrivals.read(entry.body):
        case Refusal(reason=reason):
            return reason
        case Arrival() as arrival:
            outcome = await writing.persist(store, [arrival])
    if outcome.quarantined:
        return entry.reason
    await service.remove(store, id)
    return None


async def _into_task_runs(store: Store, id: UUID, entry: Entry) -> str | None:
    match arrivals.read(entry.body):
        case Arrival(report=Report() as report):
            async with store.transaction() as transaction:
                await recording.record(transaction, [report])
                await service.remove(transaction, id)
            return None
        case Refusal(reason=reason):
            return reason
        case Arrival(malformed=reason):
            return reason or "the event does not record a task run"


async def _into_triggers(store: Store, id: UUID, entry: Entry) -> str | None:
    from headrace.server.automations.evaluation import replaying

    return await replaying.replay(store, id, entry)


REPLAYERS: Mapping[str | None, Replayer] = {
    INGEST: _into_log,
    TASK_RUN_RECORDER: _into_task_runs,
    TRIGGERS: _into_triggers,
}
