"""Every WebSocket route of the server, below the base path."""

from collections.abc import Mapping
from datetime import timedelta

from headrace.server.context import Context
from headrace.server.events.following import EventSource
from headrace.server.events.outgoing import EventStream
from headrace.server.http.sockets import Socket, SocketHandler, SocketRoute
from headrace.server.logs.following import LogSource
from headrace.server.logs.outgoing import LogStream
from headrace.server.store.base import Store
from headrace.server.streams.tail import Tail
from headrace.server.subscriptions.channels import Channels
from headrace.server.subscriptions.socket import StreamSocket
from headrace.server.task_queue.exchange import Exchange
from headrace.server.task_queue.peer_socket import PeerTaskSocket
from headrace.server.task_queue.socket import TaskSocket
from headrace.settings import Settings


async def receive_events(ctx: Context, socket: Socket) -> None:
    """Take events until the client goes; a pong says that those before its ping are stored."""
    from headrace.server.events.ingest import ingest

    await ingest(ctx, socket)


async def connect_worker(ctx: Context, socket: Socket) -> None:
    """Hear a worker and tell it of its pool until it goes."""
    from headrace.server.workers.channel import connect

    await connect(ctx, socket)


def make_streams(store: Store, settings: Settings) -> Mapping[str, SocketHandler | SocketRoute]:
    """The handlers by path; all that one process streams comes from one tail of each log."""
    event_source, log_source = EventSource(store), LogSource(store)
    event_tail, log_tail = Tail(event_source), Tail(log_source)
    channels = Channels(event_tail, event_source, log_tail, log_source)

    async def subscribe(ctx: Context, socket: Socket) -> None:
        await StreamSocket(channels, socket).serve()

    exchange = Exchange(store, timedelta(seconds=settings.server.tasks.begin_timeout))
    streams: dict[str, SocketHandler | SocketRoute] = {
        "/events/in": receive_events,
        "/x/stream": subscribe,
        "/task_runs/subscriptions/scheduled": PeerTaskSocket(exchange),
        "/x/task_runs/deliveries": TaskSocket(exchange),
        "/work_pools/{name}/workers/connect": SocketRoute(
            connect_worker, refused="authentication_failed", unspoken="protocol_error"
        ),
    }
    if settings.server.events.stream_out_enabled:
        streams["/events/out"] = EventStream(event_source, event_tail)
    if settings.server.logs.stream_out_enabled:
        streams["/logs/out"] = LogStream(log_tail)
    return streams
