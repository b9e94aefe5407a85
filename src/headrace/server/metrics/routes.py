"""Routes for monitors."""

from headrace.server.context import Context
from headrace.server.http.routing import Reply, Router
from headrace.server.metrics.exposition import CONTENT_TYPE

router = Router(prefix="/x", tag="Headrace")
pages = Router(tag="Root")
"""What is served beside the API, where monitors look for it."""


@router.get("/metrics", media_type="text/plain")
async def read_metrics(ctx: Context) -> Reply[str]:
    """Numbers for a monitor, in the text form of Prometheus."""
    from headrace.server.metrics.collecting import collect
    from headrace.server.metrics.exposition import render

    return Reply(render(await collect(ctx.store, ctx.settings, ctx.received)), media_type=CONTENT_TYPE)


@pages.get("/metrics", media_type="text/plain")
async def read_metrics_page(ctx: Context) -> Reply[str]:
    """The same at the address at which Prometheus looks by itself; with the API's credentials, if it has any."""
    return await read_metrics(ctx)
