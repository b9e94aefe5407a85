"""`/x/services`: how the services of this process are doing."""

from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.wire.services import ServiceStatus

router = Router(prefix="/x", tag="Headrace")


@router.get("/services")
async def read_services(ctx: Context) -> list[ServiceStatus]:
    """The services of the process that answers, whether they are switched on and run, and their last tick."""
    from headrace.server.services.reporting import report

    return report(ctx.store, ctx.settings)
