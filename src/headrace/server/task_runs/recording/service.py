"""Writes batches of reports."""

import logging
from collections.abc import Sequence

from headrace.server.store.base import Connection, Store
from headrace.server.task_runs.recording import queries
from headrace.server.task_runs.recording.plans import plan
from headrace.server.task_runs.recording.reports import Report
from headrace.wire.errors import Conflict
from headrace.wire.times import now

_ATTEMPTS = 5

_log = logging.getLogger("headrace.server.task_runs")


async def record(store: Store, reports: Sequence[Report]) -> None:
    """Write a batch of reports in one transaction; all of them are durable when this returns.

    Two servers that record the same run at the same moment can collide on its id or key. The one that
    loses sees the other's rows when it tries again.
    """
    if not reports:
        return
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            async with store.transaction() as transaction:
                return await _record(transaction, reports)
        except Conflict:
            if attempt == _ATTEMPTS:
                raise


async def _record(transaction: Connection, reports: Sequence[Report]) -> None:
    moment = now()
    stored = await queries.stored(transaction, reports)
    flow_run_ids = await queries.existing_flow_runs(transaction, reports)
    batch = plan(reports, stored, flow_run_ids)
    await queries.insert_runs(transaction, batch.new, moment)
    await queries.update_runs(transaction, batch.changed, moment)
    await queries.insert_states(transaction, batch.states, moment)
    if batch.orphans:
        _log.info("Left out %d events about task runs that have been deleted.", batch.orphans)
