"""The server as a process: listens, announces itself, drains on SIGTERM or SIGINT."""

import asyncio
import errno
import gc
import importlib
import logging
import signal
import socket
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, cast

import msgspec
import uvicorn

from headrace.server import journal
from headrace.server.announcement import announced
from headrace.server.app import Server, create_app, make_server
from headrace.server.blocks import catalogue
from headrace.server.http.pongs import OrderedPongs
from headrace.server.retention import service as retention
from headrace.server.services.base import Service
from headrace.settings import ServerAPISettings, Settings
from headrace.wire.errors import AddressUnavailable
from headrace.wire.times import now

if TYPE_CHECKING:
    from headrace.server.http.asgi import Application

DRAIN_SECONDS = 10
"""How long requests in flight may take to finish once the server is told to stop; then they are cut off."""

_BACKLOG = 2048
_FRAME_BYTES = 16 * 1024 * 1024
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


class Started(msgspec.Struct, frozen=True):
    """A server that accepts connections: where its API is, and whether its user has yet to hear of retention."""

    url: str
    suggests_retention: bool


Ready = Callable[[Started], None]


def serve(settings: Settings, ready: Ready | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in flight and return.

    `ready` is called once connections are accepted. Raises `AddressUnavailable` or
    `StoreError`, with one clear line, if the server cannot start.
    """
    journal.configure(settings)
    with _listen(settings.server.api) as listener, asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings, listener, ready))


async def _serve(settings: Settings, listener: socket.socket, ready: Ready | None) -> None:
    url = _url(settings.server.api, listener)
    async with _opened(settings) as server, Service.running(server.store, settings), AsyncExitStack() as stack:
        suggests = await retention.is_to_be_suggested(server.store, now())

        def started() -> None:
            stack.enter_context(announced(settings, url))
            warming = asyncio.create_task(asyncio.to_thread(_warm))
            stack.push_async_callback(asyncio.wait, [warming])
            if ready is not None:
                ready(Started(url, suggests))

        config = uvicorn_config(create_app(settings, server), settings)
        await _Runner(config, started).serve([listener])


def _warm() -> None:
    """Load what the first filtered read needs, so that nobody's request waits for it."""
    importlib.import_module("headrace.server.filters.compose")
    gc.collect()
    gc.freeze()


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncGenerator[Server]:
    server = make_server(settings)
    await server.open()
    try:
        await catalogue.ensure(server.store, now())
        yield server
    finally:
        await server.close()


def uvicorn_config(app: "Application", settings: Settings) -> uvicorn.Config:
    """How uvicorn serves the application: nothing in the path of a request that the application does itself."""
    return uvicorn.Config(
        cast("Any", app),
        http="httptools",
        ws=OrderedPongs,
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        ws_max_size=_FRAME_BYTES,
        ws_per_message_deflate=False,  # deflating each small frame for each client would cost a quarter of a stream
        timeout_keep_alive=settings.server.api.keepalive_timeout,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


class _Runner(uvicorn.Server):
    """uvicorn's server, which calls back when it listens and ends without raising the signal again."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._call_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._call_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, and leave no handler running that could still want the database."""
        await super().shutdown(sockets)
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Take SIGTERM and SIGINT as a request to stop; a second SIGINT stops waiting for requests in flight."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        signals = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.signal(number, self.handle_exit) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The event loop of uvloop where it exists, asyncio's own elsewhere."""
    try:
        import uvloop
    except ImportError:
        logging.getLogger("headrace.server").warning("uvloop_missing")
        return None
    return uvloop.new_event_loop


def _listen(api: ServerAPISettings) -> socket.socket:
    """A socket bound to the address of the settings; raises `AddressUnavailable` saying why not."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            api.host or None, api.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AddressUnavailable(_why(api, error)) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Listening at once claims the port: of two servers that start together, one is told.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise AddressUnavailable(_why(api, error)) from error
    return listener


def _why(api: ServerAPISettings, error: OSError) -> str:
    choose = "Choose another with --port or HEADRACE_SERVER_API_PORT."
    match error.errno:
        case errno.EADDRINUSE:
            return f"Port {api.port} of {api.host} is taken by another process. {choose}"
        case errno.EACCES:
            return f"Port {api.port} of {api.host} needs privileges that this process does not have. {choose}"
        case _:
            reason = error.strerror or str(error)
            return f"Cannot listen on {api.host}, port {api.port}: {reason}. Set --host to an address of this machine."


def _url(api: ServerAPISettings, listener: socket.socket) -> str:
    """How a process of this machine reaches the API."""
    host = _EVERYWHERE.get(api.host, api.host)
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}{api.base_path}"
