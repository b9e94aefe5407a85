"""Every WebSocket route of the server, below the base path."""

from collections.abc import Mapping

from headrace.server.context import Context
from headrace.server.http.sockets import Socket, SocketHandler


async def receive_events(ctx: Context, socket: Socket) -> None:
    """Take events until the client goes; a pong says that those before its ping are stored."""
    from headrace.server.events.ingest import ingest

    await ingest(ctx, socket)


STREAMS: Mapping[str, SocketHandler] = {"/events/in": receive_events}
