"""Writes batches of reports."""

import logging
from collections.abc import Sequence

from headrace.server.store.base import Connection, Store
from headrace.server.task_runs.recording import queries
from headrace.server.task_runs.recording.plans import plan
from headrace.server.task_runs.recording.reports import Report
from headrace.wire.errors import Conflict, InternalError, RequestError
from headrace.wire.times import now

_ATTEMPTS = 5

_log = logging.getLogger("headrace.server.task_runs")


async def record(store: Store, reports: Sequence[Report]) -> None:
    """Write a batch of reports in one transaction; all of them are durable when this returns.

    If the database refuses the batch, its reports are written one by one, and one that is refused again is
    logged and left out. Raises `ServiceUnavailable` if nothing could be written now.
    """
    if not reports:
        return
    try:
        await _record_together(store, reports)
    except (RequestError, InternalError) as error:
        if len(reports) == 1:
            _log.error("Left out event %s, which the database refuses: %s", reports[0].state.id, error)
            return
        for report in reports:
            await record(store, (report,))


async def _record_together(store: Store, reports: Sequence[Report]) -> None:
    """Two servers that record one run at the same moment can collide; the one that loses sees the other's rows next."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            async with store.transaction() as transaction:
                return await _write(transaction, reports)
        except Conflict:
            if attempt == _ATTEMPTS:
                raise


async def _write(transaction: Connection, reports: Sequence[Report]) -> None:
    moment = now()
    stored = await queries.stored(transaction, reports)
    flow_run_ids = await queries.existing_flow_runs(transaction, reports, stored)
    batch = plan(reports, stored, flow_run_ids)
    await queries.insert_runs(transaction, batch.new, moment)
    await queries.update_runs(transaction, batch.changed, moment)
    await queries.insert_states(transaction, batch.states, moment)
    if batch.orphans:
        _log.info("Left out %d events about task runs of flow runs that do not exist.", batch.orphans)
