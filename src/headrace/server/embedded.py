"""The server inside the process that asks it: the same routes and rules, without a network.

It loads the rules, the services and the store, but neither uvicorn nor the ASGI application.
"""

from collections.abc import Mapping

from headrace.server.app import Server, make_server
from headrace.server.context import NO_HEADERS, Context
from headrace.server.http.routing import Answer
from headrace.settings import Settings


class Embedded:
    """An open server that answers calls from the event loop it was opened on."""

    def __init__(self, server: Server) -> None:
        self.server = server

    async def request(
        self, method: str, path: str, query: str = "", headers: Mapping[str, str] = NO_HEADERS, body: bytes = b""
    ) -> Answer:
        """The answer to one request; `path` starts below the base path, as `/flows/`.

        Errors are answers too, with the contract's status and body. `Answer.stream`, if there is one, is
        the caller's to read.
        """
        ctx = Context(self.server.store, self.server.settings, headers)
        return await self.server.api.dispatch(ctx, method, path, query, body)

    async def close(self) -> None:
        """Let the database go."""
        await self.server.close()


async def open_embedded(settings: Settings) -> Embedded:
    """Open the database of these settings and serve it to this process; raises `StoreError` if it cannot be used."""
    server = make_server(settings)
    await server.open()
    return Embedded(server)
