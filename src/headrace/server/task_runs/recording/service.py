"""Writes batches of reports."""

import logging
from collections.abc import Sequence

from headrace.server.store.base import Connection
from headrace.server.store.hidden import hold
from headrace.server.task_runs.recording import queries
from headrace.server.task_runs.recording.plans import plan
from headrace.server.task_runs.recording.reports import Report
from headrace.wire.times import now

_log = logging.getLogger("headrace.server.task_runs")


async def record(transaction: Connection, reports: Sequence[Report]) -> None:
    """Write a batch of reports; the same reports in any order, repetition and batching end in the same rows.

    Two servers that record one run at the same moment can collide: the one that loses gets a `Conflict`, and
    sees the other's rows when it tries again.
    """
    if not reports:
        return
    moment = now()
    await hold(transaction, {report.flow_run_id for report in reports if report.flow_run_id is not None})
    stored = await queries.stored(transaction, reports)
    flow_run_ids = await queries.existing_flow_runs(transaction, reports, stored)
    batch = plan(reports, stored, flow_run_ids)
    await queries.insert_runs(transaction, batch.new, moment)
    await queries.update_runs(transaction, batch.changed, moment)
    await queries.insert_states(transaction, batch.states, moment)
    if batch.begun:
        from headrace.server.task_queue import service as task_queue

        await task_queue.withdraw(transaction, batch.begun)
    if batch.orphans:
        _log.info("Left out %d events about task runs of flow runs that do not exist.", batch.orphans)
