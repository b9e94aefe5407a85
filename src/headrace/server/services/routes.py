"""`/x/services`: how the services of the database's servers are doing, and what they are told to do."""

from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.wire.services import ServiceStatus

router = Router(prefix="/x", tag="Headrace")


@router.get("/services")
async def read_services(ctx: Context) -> list[ServiceStatus]:
    """Each service: whether it is switched on, by whom it is run, and its last tick."""
    from headrace.server.services.reporting import report

    return await report(ctx.store, ctx.settings)


@router.post("/services/{name}/pause")
async def pause_service(ctx: Context, name: str) -> ServiceStatus:
    """Let a service make no more ticks at any server."""
    from headrace.server.services import control

    return await control.set_paused(ctx.store, ctx.settings, name, paused=True)


@router.post("/services/{name}/resume")
async def resume_service(ctx: Context, name: str) -> ServiceStatus:
    """Let a service that was paused go on at every server."""
    from headrace.server.services import control

    return await control.set_paused(ctx.store, ctx.settings, name, paused=False)


@router.post("/services/{name}/run")
async def run_service(ctx: Context, name: str) -> ServiceStatus:
    """Have one server make a tick of a service at once."""
    from headrace.server.services import control

    return await control.run_now(ctx.store, ctx.settings, name)
