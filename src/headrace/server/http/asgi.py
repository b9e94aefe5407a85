"""The ASGI application: from uvicorn's scope to the dispatcher and back, with the conventions of contract §1.

A request is answered straight from its scope. What most requests do not need (preflights, redirects,
compression, errors) costs them one test each.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any
from urllib.parse import quote

from headrace.server.context import Context, Headers
from headrace.server.http import answers
from headrace.server.http.answers import Send
from headrace.server.http.bodies import Bodies, ClientGone, Receive
from headrace.server.http.cors import CrossOrigin
from headrace.server.http.guards import Guards
from headrace.server.http.routing import Answer, Dispatcher, error_answer
from headrace.server.http.sockets import SocketHandler, SocketRoute, Sockets
from headrace.server.latency.meter import meter_of
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.errors import RequestError, ServiceUnavailable

Scope = Mapping[str, Any]
Hook = Callable[[], Awaitable[None]]

_NOTHING: Mapping[str, str] = {}


class Application:
    """Answers HTTP below the base path with `api`, elsewhere with `pages`, and WebSockets with `sockets`.

    `startup` and `shutdown` run in the server's lifespan. Handlers see `store` and `settings` in their
    context.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        api: Dispatcher,
        pages: Dispatcher,
        sockets: Mapping[str, SocketHandler | SocketRoute],
        *,
        startup: Hook,
        shutdown: Hook,
    ) -> None:
        self._store, self._settings = store, settings
        self._api, self._pages = api, pages
        self._base = settings.server.api.base_path
        self._bodies = Bodies(settings.server.api.max_body_bytes)
        self._guards = Guards(settings)
        self._cors = CrossOrigin(settings.server.api)
        self._sockets = Sockets(sockets, settings, self._guards)
        self._startup, self._shutdown = startup, shutdown
        self._meter = meter_of(store)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's request, one WebSocket, or the lifespan of the server."""
        match scope["type"]:
            case "http":
                began = perf_counter()
                if status := await self._serve(scope, receive, send):
                    self._meter.note(began, status)
            case "websocket":
                path = self._below_base(scope["path"])
                await self._sockets.serve(scope, path, receive, send, self._context(scope, dict(scope["headers"])))
            case _:
                await self._live(receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer; the status, or 0 for what is no measure of the server: streams, and clients that went away."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        origin = headers.get(b"origin")
        extra = _NOTHING if origin is None else self._cors.headers(origin.decode("latin-1"))
        try:
            if origin is not None and scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
                answer, extra = self._cors.preflight(origin.decode("latin-1"), headers), _NOTHING
            else:
                answer = await self._answer(scope, headers, receive)
        except RequestError as error:
            answer = error_answer(error)
        except ClientGone:
            return 0
        except asyncio.CancelledError:
            # Only a server that has waited long enough for its drain cancels a request. It ends here.
            answer = error_answer(ServiceUnavailable("The server is stopping. Send the request again."))
        await answers.send(answer, send, headers, extra, scope["method"] == "HEAD")
        return answer.status if answer.stream is None else 0

    async def _answer(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> Answer:
        method: str = scope["method"]
        if method == "HEAD":
            method = "GET"
        path = self._below_base(scope["path"])
        dispatcher = self._api
        if path is None:
            dispatcher, path = self._pages, scope["path"]
            self._guards.check_page(path, headers)
        else:
            self._guards.check(method, path, headers)
        body = await self._bodies.read(receive, headers)
        query = scope["query_string"].decode("latin-1")
        answer = await dispatcher.dispatch(self._context(scope, headers), method, path, query, body)
        if answer.status == 404 and (twin := _twin(dispatcher, path)) is not None:
            return _redirect(scope["path"].removesuffix(path) + twin, query)
        return answer

    def _below_base(self, path: str) -> str | None:
        """The part of the path below the base path, or None if it is not under it."""
        base = self._base
        if not base:
            return path
        return path[len(base) :] if path.startswith(base) and path[len(base) : len(base) + 1] == "/" else None

    def _context(self, scope: Scope, headers: dict[bytes, bytes]) -> Context:
        host = headers.get(b"host", b"").decode("latin-1")
        base_url = f"{scope['scheme']}://{host}{self._base}"
        return Context(self._store, self._settings, Headers(headers), base_url)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._startup()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._shutdown()
        await send({"type": "lifespan.shutdown.complete"})


def _twin(dispatcher: Dispatcher, path: str) -> str | None:
    """The path with or without its last slash, if that one exists and this one does not."""
    if dispatcher.resolve(path)[0]:
        return None
    twin = path[:-1] if path.endswith("/") else path + "/"
    return twin if dispatcher.resolve(twin)[0] else None


def _redirect(path: str, query: str) -> Answer:
    location = quote(path) + (f"?{query}" if query else "")
    return Answer(307, media_type=None, headers={"Location": location})
