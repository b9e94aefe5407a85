"""`/task_workers`: who is connected and waits for background tasks (contract §2)."""

from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.server.task_workers import service
from headrace.wire.task_workers import TaskWorker, TaskWorkerList

router = Router(prefix="/task_workers", tag="Task Workers")
_ALL = TaskWorkerList()


@router.post("/filter")
async def read_task_workers(ctx: Context, body: TaskWorkerList = _ALL) -> list[TaskWorker]:
    """The workers that are connected to any server of this database and execute any of the tasks that are named."""
    wanted = None if body.task_worker_filter is None else body.task_worker_filter.task_keys
    return await service.list_workers(ctx.store, wanted, ctx.received)
