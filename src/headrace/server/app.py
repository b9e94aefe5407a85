"""The server as a value, and as an ASGI application."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from headrace.server.http.routing import Dispatcher, Router
from headrace.server.store.base import Store
from headrace.settings import Settings

if TYPE_CHECKING:
    from headrace.server.http.asgi import Application


class Server:
    """One database and the routes over it, apart from any transport.

    The ASGI application and the in-process transport both work with it. `open` before the first request,
    `close` after the last.
    """

    def __init__(self, settings: Settings, store: Store, routers: Iterable[Router]) -> None:
        self.settings, self.store = settings, store
        self.routers = tuple(routers)
        self.api = Dispatcher(self.routers)

    async def open(self) -> None:
        """Connect to the database; raises `StoreError` with one clear line if it cannot be used."""
        await self.store.open()

    async def close(self) -> None:
        """Let the database go; safe to call twice."""
        await self.store.close()


def make_server(settings: Settings) -> Server:
    """A server with these settings, not opened yet."""
    from headrace.server.http.routes import ROUTERS
    from headrace.server.store import make_store

    return Server(settings, make_store(settings), ROUTERS)


def create_app(settings: Settings, server: Server | None = None) -> "Application":
    """The ASGI application; its lifespan opens and closes the server."""
    from headrace.server.admin.routes import pages
    from headrace.server.http.asgi import Application
    from headrace.server.http.docs import docs_router
    from headrace.server.http.streams import make_streams
    from headrace.server.metrics.routes import pages as metrics

    server = server or make_server(settings)
    base = settings.server.api.base_path
    docs = docs_router(server.api.operations, base)
    beside = [pages, metrics]
    below_base = [*server.routers, docs] if base else [*server.routers, docs, *beside]
    return Application(
        server.store,
        settings,
        api=Dispatcher(below_base),
        pages=Dispatcher([docs, *beside]),
        sockets=make_streams(server.store, settings),
        startup=server.open,
        shutdown=server.close,
    )
