"""`/x/task_queue`: what waits for task workers."""

from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.server.task_queue import service
from headrace.wire.background_tasks import TaskQueueLine

router = Router(prefix="/x", tag="Headrace")


@router.get("/task_queue")
async def read_task_queue(ctx: Context) -> list[TaskQueueLine]:
    """How many runs of each task wait for a worker, are due later, or are delivered and not begun."""
    return await service.list_lines(ctx.store, ctx.received)
