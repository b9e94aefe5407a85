"""`/task_runs/subscriptions/scheduled`: the conversation with Prefect's task workers (contract §2).

Such a worker acknowledges a run when it has read it, and begins it when it has room, which may be much later. It
never says that it begins. So while it is connected it keeps the run that it acknowledged last, and the one that it
has not acknowledged; what it began is told by events.
"""

import asyncio

import msgspec

from headrace.server.context import Context
from headrace.server.http.sockets import Frame, Socket
from headrace.server.store.base import Store
from headrace.server.streams.delivery import until_first
from headrace.server.task_queue import service
from headrace.server.task_queue.exchange import Exchange, Wanted
from headrace.server.task_queue.service import Delivery
from headrace.server.task_workers import service as task_workers
from headrace.wire.base import encode_text
from headrace.wire.times import now

VIOLATION = 4001
_read_frame = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class _Subscription(msgspec.Struct):
    keys: list[str]
    client_id: str


_read_subscription = msgspec.json.Decoder(_Subscription).decode


class PeerTaskSocket:
    """Serves every connection of Prefect's task workers to one process."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def __call__(self, ctx: Context, socket: Socket) -> None:
        """Serve one worker until it goes away."""
        asked = await _subscription(socket)
        if asked is None:
            return
        held = _Held(self._exchange)
        async with task_workers.connected(ctx.store, asked.client_id, asked.keys):
            try:
                await until_first(self._deliver(socket, Wanted(asked.keys), held), held.keep())
            finally:
                await held.give_back(ctx.store)

    async def _deliver(self, socket: Socket, wanted: Wanted, held: "_Held") -> None:
        said = asyncio.create_task(socket.receive())
        try:
            while True:
                delivery = await self._next_unless(said, wanted)
                if delivery is None:
                    await _end(socket, said.result())
                    return
                held.sent = delivery
                await socket.send(encode_text(delivery.run))
                answer = await said
                if _type_of(answer) != b'"ack"':
                    await _end(socket, answer)
                    return
                held.acknowledge()
                said = asyncio.create_task(socket.receive())
        finally:
            said.cancel()
            await asyncio.gather(said, return_exceptions=True)

    async def _next_unless(self, said: "asyncio.Task[Frame]", wanted: Wanted) -> Delivery | None:
        """The next run, or None if the worker says something first."""
        coming = asyncio.create_task(self._exchange.next(wanted))
        try:
            await asyncio.wait((said, coming), return_when=asyncio.FIRST_COMPLETED)
            return None if said.done() else coming.result()
        finally:
            if said.done():
                await _revoke(coming, self._exchange.store)


class _Held:
    """The runs that a connected worker has and has not begun, as far as can be told."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.sent: Delivery | None = None
        self._acknowledged: Delivery | None = None

    def acknowledge(self) -> None:
        """The worker has read what was sent, so that what it had read before was passed on."""
        self._acknowledged, self.sent = self.sent, None

    async def keep(self) -> None:
        """Keep others from getting these runs, for as long as the worker is connected."""
        hold = self._exchange.hold
        while True:
            await asyncio.sleep(hold.total_seconds() / 3)
            mine = [one for one in (self.sent, self._acknowledged) if one is not None]
            if mine:
                await service.hold(self._exchange.store, mine, now() + hold)

    async def give_back(self, store: Store) -> None:
        """Give the run to others that this worker never read; what it has read may begin yet."""
        if self.sent is not None:
            await service.give_back(store, [self.sent], now())


async def _revoke(coming: "asyncio.Task[Delivery]", store: Store) -> None:
    """Give up waiting for a run; one that has come in the same moment goes to others."""
    if coming.done() and not coming.cancelled() and coming.exception() is None:
        await service.give_back(store, [coming.result()], now())
    coming.cancel()
    await asyncio.gather(coming, return_exceptions=True)


async def _subscription(socket: Socket) -> _Subscription | None:
    """The first frame, or None once it is refused."""
    frame = await socket.receive()
    parts = _parts_of(frame)
    missing = None
    if bytes(parts.get("type", b"")) != b'"subscribe"':
        missing = "'subscribe' message"
    elif not _is_list(parts.get("keys")):
        missing = "'keys' in subscribe message"
    elif bytes(parts.get("client_id", b'""')) in (b'""', b"null"):
        missing = "'client_id' in subscribe message"
    if missing is None:
        try:
            return _read_subscription(frame)
        except msgspec.ValidationError:
            missing = "'keys' and 'client_id' as texts"
    await socket.close(VIOLATION, f"Protocol violation: expected {missing}")
    return None


def _is_list(raw: msgspec.Raw | None) -> bool:
    return raw is not None and bytes(raw).startswith(b"[") and bytes(raw) != b"[]"


async def _end(socket: Socket, said: Frame) -> None:
    if _type_of(said) == b'"quit"':
        await socket.close()
    else:
        await socket.close(VIOLATION, "Protocol violation: expected 'ack' message")


def _type_of(frame: Frame) -> bytes:
    return bytes(_parts_of(frame).get("type", b""))


def _parts_of(frame: Frame) -> dict[str, msgspec.Raw]:
    try:
        return _read_frame(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
