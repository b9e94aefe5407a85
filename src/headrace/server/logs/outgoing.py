"""`/logs/out`: log lines as they come; what was there before is for `POST /logs/filter` (contract §2)."""

import asyncio

import msgspec

from headrace.rules.log_matching import LineTest, compile_log_filter
from headrace.server.context import Context
from headrace.server.http.sockets import Socket
from headrace.server.streams.delivery import TRY_LATER, lost, read_filter_frame, until_gone
from headrace.server.streams.tail import Tail
from headrace.wire.filters import LogFilter
from headrace.wire.logs import Log

PAGE = 250


class _Request(msgspec.Struct):
    filter: LogFilter


_decoder = msgspec.json.Decoder(_Request)


class LogStream:
    """Serves `/logs/out` to any number of clients from one tail."""

    def __init__(self, tail: Tail[Log]) -> None:
        self._tail = tail

    async def __call__(self, ctx: Context, socket: Socket) -> None:
        """Serve one client until it goes away."""
        request: _Request | None = await read_filter_frame(socket, _decoder)
        if request is not None:
            await until_gone(socket, self._send(socket, compile_log_filter(request.filter)))

    async def _send(self, socket: Socket, test: LineTest) -> None:
        changed = asyncio.Event()
        async with self._tail.listening(changed):
            follower = self._tail.follow()
            while True:
                changed.clear()
                reading = await follower.read(PAGE)
                if reading.gap is not None:
                    await socket.close(TRY_LATER, lost("Log lines", reading.gap))
                    return
                await socket.send_many(item.frame for item in reading.items if test(item.value))
                await asyncio.sleep(0)
                if not follower.behind:
                    await changed.wait()
