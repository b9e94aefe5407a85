"""The server's own code in this process, for runs that are recorded without a server.

A thread with an event loop of its own holds the database. Callers hand it requests and wait, whether
they have a loop themselves or not. The thread starts with the first request and stops at exit, so a
request that was answered is on disk when the process ends.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from headrace.client import forks
from headrace.client.transports import Answer, Request
from headrace.server.embedded import Embedded, open_embedded
from headrace.settings import Settings
from headrace.wire import versions
from headrace.wire.errors import ServiceUnavailable

_HEADERS = {"x-prefect-api-version": versions.API}
_NO_HEADERS: Mapping[str, str] = {}
_PATIENCE_AT_CLOSE = 30.0

Settle = Callable[[Answer | None, BaseException | None], None]


class EmbeddedTransport:
    """A `Transport` to the database of the settings. Raises `StoreError` if it cannot be used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._host: _Host | None = None
        self._gate = threading.Lock()
        self._closed = False
        forks.watch(self)

    @property
    def where(self) -> str:
        from headrace.settings.catalogue import without_password

        return without_password(self._settings.database_url)

    def send(self, request: Request) -> Answer:
        arrived = threading.Lock()
        arrived.acquire()
        outcome: list[Any] = [None, None]

        def settle(answer: Answer | None, error: BaseException | None) -> None:
            outcome[:] = answer, error
            arrived.release()

        self._hand_over(request, settle)
        arrived.acquire()
        answer, error = outcome
        if error is not None:
            raise error
        return answer

    async def send_async(self, request: Request) -> Answer:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()

        def settle(answer: Answer | None, error: BaseException | None) -> None:
            try:
                loop.call_soon_threadsafe(_resolve, future, answer, error)
            except RuntimeError:
                return  # the caller's loop was closed while it waited: nobody is there to be told

        if self._host is None:
            await asyncio.to_thread(self._running)
        self._hand_over(request, settle)
        return await future

    def close(self) -> None:
        with self._gate:
            self._closed = True
            self._stop()

    def before_fork(self) -> None:
        self._gate.acquire()
        self._stop()

    def after_fork(self, *, in_child: bool) -> None:
        self._gate.release()

    def _hand_over(self, request: Request, settle: Settle) -> None:
        while not (self._host or self._running()).accept(request, settle):
            pass  # it stopped between the two steps, for a fork: the next one takes the request

    def _running(self) -> "_Host":
        with self._gate:
            if self._closed:
                raise ServiceUnavailable(f"The recording in {self.where} was closed; connect() again to use it.")
            if self._host is None:
                self._host = _Host(self._settings)
            return self._host

    def _stop(self) -> None:
        host, self._host = self._host, None
        if host is not None:
            host.stop()


class _Host:
    """The thread, its event loop and the open server in it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._door = threading.Lock()
        self._open = True
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._server: Embedded | None = None
        self._thread = threading.Thread(target=self._run, name="headrace-embedded", daemon=True)
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def accept(self, request: Request, settle: Settle) -> bool:
        """Take a request, from any thread; False if it is too late for that. `settle` is called in this thread."""
        with self._door:
            if self._open:
                self._loop.call_soon_threadsafe(self._begin, request, settle)
            return self._open

    def stop(self) -> None:
        """Finish what was taken, let the database go, and end the thread."""
        with self._door:
            if not self._open:
                return
            self._open = False
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_AT_CLOSE)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._server = self._loop.run_until_complete(open_embedded(self._settings))
        except BaseException as error:
            self._failure = error
            self._loop.close()
            return
        finally:
            self._started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._finish(self._server))
        self._loop.close()

    async def _finish(self, server: Embedded) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)
        await server.close()
        with contextlib.suppress(RuntimeError):  # at exit the executor is shut down already, and no thread can start
            await self._loop.shutdown_default_executor()

    def _begin(self, request: Request, settle: Settle) -> None:
        task = self._loop.create_task(self._serve(request, settle))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, request: Request, settle: Settle) -> None:
        assert self._server is not None
        try:
            answer = await _answer(self._server, request)
        except BaseException as error:
            settle(None, error)
            if not isinstance(error, Exception):
                raise
        else:
            settle(answer, None)


async def _answer(server: Embedded, request: Request) -> Answer:
    path = unquote(request.path) if "%" in request.path else request.path
    given = {**_HEADERS, **request.headers} if request.headers else _HEADERS
    answer = await server.request(request.method, path, request.query, given, request.body)
    body = answer.body
    if answer.stream is not None:
        body = b"".join([chunk async for chunk in answer.stream])
    headers = {name.lower(): value for name, value in answer.headers.items()} if answer.headers else _NO_HEADERS
    return Answer(answer.status, headers, body)


def _resolve(future: asyncio.Future[Answer], answer: Answer | None, error: BaseException | None) -> None:
    if future.done():
        return  # the caller was cancelled meanwhile; the request was carried out all the same
    if error is not None:
        future.set_exception(error)
    elif answer is not None:
        future.set_result(answer)
