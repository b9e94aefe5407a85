"""A WebSocket client that costs little: frames are made beforehand, so that the server is measured."""

import asyncio
import base64
import os
from collections.abc import Iterable
from typing import Self
from urllib.parse import urlsplit

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_UNMASKED = b"\0\0\0\0"
"""Clients must mask what they send; by this mask every byte stays itself."""
_AUTH = b'{"type":"auth","token":null}'


def frame(content: bytes, kind: int = _TEXT) -> bytes:
    """One frame as it goes over the network."""
    size = len(content)
    if size < 126:
        head = bytes((0x80 | kind, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((0x80 | kind, 0x80 | 126)) + size.to_bytes(2)
    else:
        head = bytes((0x80 | kind, 0x80 | 127)) + size.to_bytes(8)
    return head + _UNMASKED + content


class Sender:
    """One connection to `/events/in`, past its handshake."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to the API at this URL; raises `OSError` or `EOFError` if that fails."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**20)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET {parts.path}/events/in HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: prefect\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.splitlines()[0]:
            raise RuntimeError(f"{url} does not take events: {head!r}")
        sender = cls(reader, writer)
        await sender.send([frame(_AUTH)])
        await sender._receive(_TEXT)
        return sender

    async def send(self, frames: Iterable[bytes]) -> None:
        """Hand frames to the network, as fast as it takes them."""
        self._writer.writelines(frames)
        await self._writer.drain()

    async def settle(self, word: bytes = b"") -> None:
        """Wait for the pong that says that all before it is stored."""
        await self.send([frame(word, _PING)])
        while await self._receive(_PONG) != word:
            pass

    async def close(self) -> None:
        """Say goodbye."""
        await self.send([frame((1000).to_bytes(2), _CLOSE)])
        self.abort()

    def abort(self) -> None:
        """Go without a word."""
        self._writer.close()

    async def _receive(self, wanted: int) -> bytes:
        while True:
            first, size = await self._reader.readexactly(2)
            if size == 126:
                size = int.from_bytes(await self._reader.readexactly(2))
            content = await self._reader.readexactly(size)
            kind = first & 0xF
            if kind == wanted:
                return content
            if kind == _CLOSE:
                raise EOFError(f"the server ended the connection: {content[2:].decode(errors='replace')}")
            if kind == _PING:
                await self.send([frame(content, _PONG)])
