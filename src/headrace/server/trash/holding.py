"""What runs hold while they go on: slots, and places in the queue of background tasks."""

from collections.abc import Sequence
from uuid import UUID

from headrace.server.concurrency import service as concurrency
from headrace.server.store.base import Connection
from headrace.server.task_queue import service as task_queue
from headrace.wire.states import TERMINAL_STATES

TERMINAL = ", ".join(f"'{type_.value}'" for type_ in sorted(TERMINAL_STATES))


async def let_go(transaction: Connection, flow_run_ids: Sequence[UUID], task_run_ids: Sequence[UUID]) -> None:
    """Give back the slots that deleted runs hold, and have nobody begin what waits."""
    await concurrency.end_held(transaction, "flow_run", flow_run_ids)
    await concurrency.end_held(transaction, "task_run", task_run_ids)
    if task_run_ids:
        await task_queue.withdraw(transaction, task_run_ids)


async def take_up(transaction: Connection, task_run_ids: Sequence[UUID]) -> None:
    """Have restored task runs wait for their workers again. Slots are not taken up: others may have them by now."""
    await task_queue.offer_again(transaction, task_run_ids)
