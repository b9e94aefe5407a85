"""`/work_pools/{name}/workers/connect`: a worker's heartbeats in, its pool's changes out (contract §2).

A worker that gets no channel goes on over REST, so nothing here is more than a shorter way. Runs are still polled for.
"""

from __future__ import annotations

import asyncio
import logging
from enum import Enum
from typing import Any, TypeVar

import msgspec

from headrace.server.context import Context
from headrace.server.http.sockets import Frame, Socket
from headrace.server.store.base import Store, Topic
from headrace.server.streams.delivery import until_first
from headrace.server.work_pools import service as work_pools
from headrace.server.work_queues import service as work_queues
from headrace.wire.base import encode, encode_text
from headrace.wire.errors import HeadraceError, ObjectAlreadyExists, ObjectNotFound, RequestError, ServiceError
from headrace.wire.times import now
from headrace.wire.work_pools import WorkPool, WorkPoolCreate, WorkPoolUpdate
from headrace.wire.worker_channel import (
    REQUIRED,
    VERSION,
    Heartbeat,
    HeartbeatFrame,
    Hello,
    HelloFrame,
    Ready,
    ReadyFrame,
    ResolvedQueue,
    Snapshot,
    SnapshotFrame,
)
from headrace.wire.workers import WorkerHeartbeat

HELLO_SECONDS = 30.0
"""How long the first frame is waited for."""

LOOK_SECONDS = 5.0
"""Seconds between two looks at the pool: what other servers change is not announced here."""

COALESCE_SECONDS = 0.05
"""How long a change is waited for to be followed by others, which then are told as one."""

_WATCHED = ("base_job_template", "concurrency_limit", "is_paused", "storage_configuration")
"""What a worker is told of when it changes."""

_logger = logging.getLogger("headrace.server")
_read_hello = msgspec.json.Decoder(HelloFrame).decode
_read_heartbeat = msgspec.json.Decoder(HeartbeatFrame).decode
_T = TypeVar("_T")


class Refusal(Enum):
    """Why the server ends a channel: the code and the reason of the close."""

    AUTHENTICATION_FAILED = (1008, "authentication_failed")
    AUTHORIZATION_FAILED = (1008, "authorization_failed")
    UNSUPPORTED_VERSION = (1008, "unsupported_version")
    PROTOCOL_ERROR = (1002, "protocol_error")
    HEARTBEAT_PERSISTENCE_FAILED = (1011, "heartbeat_persistence_failed")
    TRANSIENT_SERVER_ERROR = (1011, "transient_server_error")


class _Refused(Exception):
    """The channel ends for this reason."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value[1])
        self.refusal = refusal


async def connect(ctx: Context, socket: Socket) -> None:
    """Serve one worker from its hello until it goes away."""
    try:
        await _Channel(ctx.store, socket, socket.variables["name"]).serve()
    except _Refused as refused:
        await socket.close(*refused.refusal.value)
    except ServiceError as error:
        _logger.warning("worker_channel_interrupted", extra={"reason": str(error)})
        await socket.close(*Refusal.TRANSIENT_SERVER_ERROR.value)


class _Channel:
    """One worker's connection. `_sequence` counts the snapshots that were sent."""

    def __init__(self, store: Store, socket: Socket, pool_name: str) -> None:
        self._store, self._socket, self._pool_name = store, socket, pool_name
        self._sequence = 0

    async def serve(self) -> None:
        hello = await self._hello()
        listener = self._store.announced(Topic.WORK_POOLS)
        pool = await self._pool(hello)
        queues = await self._queues(pool, hello.work_queue_names)
        await self._beat(hello)
        pool = await self._read()
        ready = Ready(
            consumer_id=hello.consumer_id,
            effective_heartbeat_interval_seconds=hello.heartbeat_interval_seconds,
            accepted_capabilities=sorted(REQUIRED),
            rejected_capabilities=sorted(set(hello.requested_capabilities) - REQUIRED),
            resolved_work_queues=queues,
            initial_snapshot=self._snapshot(pool, "initial"),
        )
        await self._socket.send(encode_text(ReadyFrame(payload=ready)))

        async def tell_of_changes() -> None:
            told = _watched(pool)
            while True:
                await listener.wait(LOOK_SECONDS)
                await asyncio.sleep(COALESCE_SECONDS)
                changed = await self._read()
                if _watched(changed) != told:
                    told = _watched(changed)
                    await self._socket.send(encode_text(SnapshotFrame(payload=self._snapshot(changed, "updated"))))

        await until_first(self._listen(hello), tell_of_changes())

    async def _hello(self) -> Hello:
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                hello = _decoded(_read_hello, await self._socket.receive()).payload
        except TimeoutError:
            raise _Refused(Refusal.PROTOCOL_ERROR) from None
        if VERSION not in hello.supported_channel_versions:
            raise _Refused(Refusal.UNSUPPORTED_VERSION)
        if not set(hello.requested_capabilities) >= REQUIRED:
            raise _Refused(Refusal.PROTOCOL_ERROR)
        return hello

    async def _listen(self, hello: Hello) -> None:
        """Take heartbeats until the worker goes away; nothing else was agreed on."""
        while frames := await self._socket.receive_many():
            for frame in frames:
                beat = _decoded(_read_heartbeat, frame).payload
                if (beat.consumer_id, beat.worker_name) != (hello.consumer_id, hello.worker_name):
                    raise _Refused(Refusal.PROTOCOL_ERROR)
            # Of several that waited, the last one says all.
            await self._beat(_decoded(_read_heartbeat, frames[-1]).payload)

    async def _beat(self, sign: Hello | Heartbeat) -> None:
        heard = WorkerHeartbeat(name=sign.worker_name, heartbeat_interval_seconds=sign.heartbeat_interval_seconds)
        try:
            await work_pools.hear(self._store, self._pool_name, heard, now())
        except ObjectNotFound:
            raise _Refused(Refusal.AUTHORIZATION_FAILED) from None
        except HeadraceError as error:
            _logger.warning("worker_heartbeat_lost", extra={"worker": sign.worker_name, "reason": str(error)})
            raise _Refused(Refusal.HEARTBEAT_PERSISTENCE_FAILED) from error

    async def _pool(self, hello: Hello) -> WorkPool:
        """The worker's pool, made if it may be, and with the worker's job template if it has none."""
        try:
            pool = await work_pools.read(self._store, self._pool_name)
        except ObjectNotFound:
            if not hello.create_pool_if_not_found or work_pools.is_reserved(self._pool_name):
                raise _Refused(Refusal.AUTHORIZATION_FAILED) from None
            return await self._made(hello)
        if not pool.base_job_template and hello.default_base_job_template:
            changes = WorkPoolUpdate(base_job_template=hello.default_base_job_template)
            try:
                await work_pools.update(self._store, self._pool_name, changes, now())
            except RequestError as error:
                raise _Refused(_meaning(error)) from error
        return pool

    async def _made(self, hello: Hello) -> WorkPool:
        try:
            body = WorkPoolCreate(
                name=self._pool_name, type=hello.worker_type, base_job_template=hello.default_base_job_template
            )
            return await work_pools.create(self._store, body, now())
        except ObjectAlreadyExists:
            return await self._read()
        except RequestError as error:
            raise _Refused(_meaning(error)) from error

    async def _queues(self, pool: WorkPool, names: list[str]) -> list[ResolvedQueue]:
        found: list[ResolvedQueue] = []
        for name in names:
            queue = await work_queues.find_by_name(self._store, pool.id, name)
            if queue is None:
                raise _Refused(Refusal.AUTHORIZATION_FAILED)
            found.append(ResolvedQueue(id=queue.id, name=queue.name))
        return found

    async def _read(self) -> WorkPool:
        try:
            return await work_pools.read(self._store, self._pool_name)
        except ObjectNotFound:
            raise _Refused(Refusal.AUTHORIZATION_FAILED) from None

    def _snapshot(self, pool: WorkPool, reason: str) -> Snapshot:
        self._sequence += 1
        return Snapshot(snapshot_sequence=self._sequence, reason=reason, work_pool=pool)


def _decoded(decode: Any, frame: Frame) -> Any:
    try:
        return decode(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise _Refused(Refusal.PROTOCOL_ERROR) from None


def _meaning(error: RequestError) -> Refusal:
    """What it is to a channel that its worker's pool is refused: somebody else has removed it, or it is no pool."""
    return Refusal.AUTHORIZATION_FAILED if isinstance(error, ObjectNotFound) else Refusal.PROTOCOL_ERROR


def _watched(pool: WorkPool) -> bytes:
    return encode([getattr(pool, name) for name in _WATCHED])
