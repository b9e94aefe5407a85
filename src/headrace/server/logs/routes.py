"""`/logs`."""

from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.server.logs import service
from headrace.server.paging import list_limit
from headrace.wire.listings import LogList
from headrace.wire.logs import Log, LogCreate

router = Router(prefix="/logs", tag="Logs")
_LIST = LogList()


@router.post("/", status=201)
async def create_logs(ctx: Context, body: list[LogCreate]) -> None:
    """Keep log lines."""
    await service.create(ctx.store, body, ctx.received)


@router.post("/filter")
async def read_logs(ctx: Context, body: LogList = _LIST) -> list[Log]:
    """The lines that match."""
    return await service.list_logs(ctx.store, body.logs, body.sort, list_limit(ctx, body.limit), body.offset)
