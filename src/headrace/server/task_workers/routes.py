"""`/task_workers`: who is connected and waits for background tasks (contract §2).

Workers connect by a WebSocket that this server refuses until background tasks have a queue, so nobody ever is.
"""

from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.wire.task_workers import TaskWorker, TaskWorkerList

router = Router(prefix="/task_workers", tag="Task Workers")
_ALL = TaskWorkerList()


@router.post("/filter")
async def read_task_workers(ctx: Context, body: TaskWorkerList = _ALL) -> list[TaskWorker]:
    """The connected workers that match."""
    return []
