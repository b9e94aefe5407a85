"""`/x/task_runs/deliveries`: the conversation with headrace's own task workers.

A worker says how much room it has, is given that many runs, and begins each over the API by the id of its delivery.
What it has not begun when it goes away is given to others at once: it could not begin it any more.
"""

import asyncio
from collections import OrderedDict
from uuid import UUID

import msgspec

from headrace.server.context import Context
from headrace.server.http.sockets import Socket
from headrace.server.streams.delivery import PROTOCOL_ERROR, until_first
from headrace.server.task_queue import service
from headrace.server.task_queue.exchange import Exchange, Wanted
from headrace.server.task_queue.service import Delivery
from headrace.server.task_workers import service as task_workers
from headrace.wire.background_tasks import TaskDelivery, TaskWorkerHello, TaskWorkerKnown, TaskWorkerReady
from headrace.wire.base import encode_text
from headrace.wire.times import now

_LONGEST_REASON = 120
_REMEMBERED = 1_000
"""Deliveries that a connection may have made and not seen begun; more are found again when their time is up."""

_read_hello = msgspec.json.Decoder(TaskWorkerHello).decode
_read_ready = msgspec.json.Decoder(TaskWorkerReady).decode
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)


class TaskSocket:
    """Serves every connection of headrace's task workers to one process."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def __call__(self, ctx: Context, socket: Socket) -> None:
        """Serve one worker until it goes away."""
        try:
            hello = _read_hello(await socket.receive())
        except _UNREADABLE as error:
            await _refuse(socket, "subscribe", error)
            return
        async with task_workers.connected(ctx.store, hello.worker, hello.task_keys):
            await socket.send(encode_text(TaskWorkerKnown()))
            given: OrderedDict[UUID, Delivery] = OrderedDict()
            room = _Room()
            try:
                await until_first(self._deliver(socket, Wanted(hello.task_keys), room, given), _heed(socket, room))
            finally:
                if given:
                    await service.give_back(ctx.store, given.values(), now())

    async def _deliver(self, socket: Socket, wanted: Wanted, room: "_Room", given: OrderedDict[UUID, Delivery]) -> None:
        while True:
            await room.any()
            delivery = await self._exchange.next(wanted)
            given[delivery.id] = delivery
            if len(given) > _REMEMBERED:
                given.popitem(last=False)
            room.fill()
            await socket.send(encode_text(TaskDelivery(delivery_id=delivery.id, task_run=delivery.run)))


class _Room:
    """How many runs more a worker can take."""

    def __init__(self) -> None:
        self._places = 0
        self._some = asyncio.Event()

    def grow(self, places: int) -> None:
        self._places += places
        self._some.set()

    def fill(self) -> None:
        self._places -= 1
        if self._places == 0:
            self._some.clear()

    async def any(self) -> None:
        """Wait until there is room."""
        await self._some.wait()


async def _heed(socket: Socket, room: _Room) -> None:
    while frames := await socket.receive_many():
        for frame in frames:
            try:
                room.grow(_read_ready(frame).room)
            except _UNREADABLE as error:
                await _refuse(socket, "ready", error)
                return


async def _refuse(socket: Socket, expected: str, error: Exception) -> None:
    reason = f"Expected a {expected!r} frame: {error}"
    await socket.close(PROTOCOL_ERROR, reason.encode()[:_LONGEST_REASON].decode(errors="ignore"))
