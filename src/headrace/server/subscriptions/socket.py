"""One client's WebSocket: it subscribes and unsubscribes as it likes, and one task sends it what is new.

Nothing is queued for a client. Each subscription is a place in a log, read on when the client has taken what was sent
before, so a client that reads slowly is behind, and costs no memory.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from typing import Any, assert_never

import msgspec

from headrace.server.http.sockets import Frame, Socket
from headrace.server.streams.delivery import until_first
from headrace.server.streams.positions import read_cursor
from headrace.server.streams.tail import Follower, Gap, Item
from headrace.server.subscriptions.channels import Channels, Pick
from headrace.wire.base import encode_text
from headrace.wire.stream_errors import (
    InvalidFrame,
    StreamError,
    SubscriptionExists,
    TooManySubscriptions,
    UnknownSubscription,
)
from headrace.wire.streams import (
    ClientFrame,
    ErrorFrame,
    GapFrame,
    Heartbeat,
    Items,
    ServerFrame,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)
from headrace.wire.times import now

LOOK_BACK = timedelta(minutes=15)
"""How far back a backfill reaches."""

MOST_SUBSCRIPTIONS = 100
PAGE, FRAME_CHARACTERS = 200, 256 * 1024
"""How many items are looked at for one frame, and about how long it may get."""

HEARTBEAT = 15.0
"""Seconds between two heartbeats."""

_decode_frame = msgspec.json.Decoder(ClientFrame).decode
_decode_object = msgspec.json.Decoder(dict[str, object]).decode


class Subscription:
    """A place in a log and what is picked from there on."""

    def __init__(self, id: str, follower: Follower[Any], pick: Pick, end: AsyncExitStack) -> None:
        self.id, self.follower, self.pick, self.end = id, follower, pick, end

    @property
    def cursor(self) -> str:
        """The place behind all that was sent or passed."""
        return self.follower.position.cursor()

    def frames(self, items: Iterable[Item[Any]]) -> Iterator[Items]:
        """What is picked of some items, in frames that are not too long."""
        picked: list[msgspec.Raw] = []
        behind, length = self.follower.position, 0
        for item in items:
            text = self.pick(item)
            if text is None:
                continue
            if picked and length + len(text) > FRAME_CHARACTERS:
                yield Items(id=self.id, cursor=behind.cursor(), items=picked)
                picked, length = [], 0
            picked.append(msgspec.Raw(text))
            behind, length = item.position, length + len(text)
        if picked:
            yield Items(id=self.id, cursor=self.cursor, items=picked)


class StreamSocket:
    """Serves one client from its handshake to its end."""

    def __init__(self, channels: Channels, socket: Socket) -> None:
        self._channels, self._socket = channels, socket
        self._subscriptions: dict[str, Subscription] = {}
        self._changed = asyncio.Event()
        self._sending = asyncio.Lock()

    async def serve(self) -> None:
        """Until the client goes away."""
        try:
            await until_first(self._send(), self._receive())
        finally:
            for subscription in self._subscriptions.values():
                await subscription.end.aclose()

    async def _receive(self) -> None:
        while frames := await self._socket.receive_many():
            for frame in frames:
                await self._heed(frame)

    async def _heed(self, frame: Frame) -> None:
        """Do what a frame asks for; what is wrong with it is answered, and nothing else is touched."""
        try:
            asked = _read(frame)
            match asked:
                case Subscribe():
                    await self._subscribe(asked)
                case Unsubscribe():
                    await self._unsubscribe(asked.id)
                case _:
                    assert_never(asked)
        except StreamError as error:
            await self._answer(ErrorFrame(id=_id_of(frame), code=error.code, message=str(error)))

    async def _subscribe(self, asked: Subscribe) -> None:
        if asked.id in self._subscriptions:
            raise SubscriptionExists(
                f"This socket has a subscription {asked.id!r} already: choose another id, or unsubscribe it first."
            )
        if len(self._subscriptions) >= MOST_SUBSCRIPTIONS:
            raise TooManySubscriptions(
                f"This socket has {MOST_SUBSCRIPTIONS} subscriptions, the most there may be: "
                "unsubscribe what is not looked at, or open another socket."
            )
        pick = self._channels.pick(asked.channel, asked.filter)
        after = None if asked.cursor is None else read_cursor(asked.cursor)
        tail = self._channels.tail(asked.channel)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(tail.listening(self._changed))
            if after is None and asked.backfill:
                after = await self._channels.beginning(asked.channel, now() - LOOK_BACK)
            follower = tail.follow(after)
            gap = await follower.check()
            subscription = Subscription(asked.id, follower, pick, stack.pop_all())
        async with self._sending:
            self._subscriptions[asked.id] = subscription
            await self._put(Subscribed(id=asked.id, channel=asked.channel, cursor=subscription.cursor))
            if gap is not None:
                await self._put(_told(asked.id, gap))
        self._changed.set()

    async def _unsubscribe(self, id: str) -> None:
        async with self._sending:
            subscription = self._subscriptions.pop(id, None)
            if subscription is not None:
                await self._put(Unsubscribed(id=id))
        if subscription is None:
            raise UnknownSubscription(f"This socket has no subscription {id!r}: it has ended, or never began.")
        await subscription.end.aclose()

    async def _send(self) -> None:
        """Give each subscription its next frames in turn, and a heartbeat now and then."""
        loop = asyncio.get_running_loop()
        beat = loop.time() + HEARTBEAT
        while True:
            self._changed.clear()
            for subscription in tuple(self._subscriptions.values()):
                await self._deliver(subscription)
            if loop.time() >= beat:
                await self._answer(self._heartbeat())
                beat = loop.time() + HEARTBEAT
            if not any(subscription.follower.behind for subscription in self._subscriptions.values()):
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(beat):
                        await self._changed.wait()

    async def _deliver(self, subscription: Subscription) -> None:
        reading = await subscription.follower.read(PAGE)
        if reading.gap is not None:
            await self._give(subscription, _told(subscription.id, reading.gap))
        for frame in subscription.frames(reading.items):
            await self._give(subscription, frame)
        await asyncio.sleep(0)

    async def _give(self, subscription: Subscription, frame: ServerFrame) -> None:
        """Send a frame of a subscription, unless it has ended meanwhile."""
        async with self._sending:
            if self._subscriptions.get(subscription.id) is subscription:
                await self._put(frame)

    def _heartbeat(self) -> Heartbeat:
        return Heartbeat(cursors={id: subscription.cursor for id, subscription in self._subscriptions.items()})

    async def _answer(self, frame: ServerFrame) -> None:
        async with self._sending:
            await self._put(frame)

    async def _put(self, frame: ServerFrame) -> None:
        await self._socket.send(encode_text(frame))


def _read(frame: Frame) -> ClientFrame:
    try:
        return _decode_frame(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidFrame(
            f"This is neither a subscribe nor an unsubscribe frame ({error}): "
            'send {"type": "subscribe", "id": …, "channel": …} or {"type": "unsubscribe", "id": …}.'
        ) from error


def _id_of(frame: Frame) -> str | None:
    """The id that a refused frame speaks of, if that can be told."""
    try:
        id = _decode_object(frame).get("id")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return id if isinstance(id, str) else None


def _told(id: str, gap: Gap) -> GapFrame:
    return GapFrame(id=id, from_=gap.start.cursor(), to=gap.end.cursor(), reason=gap.reason)
