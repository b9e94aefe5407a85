"""A port that leads to whichever of several servers answers, as a load balancer in front of them does."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from urllib.parse import urlsplit

_CHUNK = 64 * 1024


@contextmanager
def relay(urls: Sequence[str]) -> Iterator[str]:
    """The URL by which all of them are reached in turn; a connection to a server that is gone goes to the next."""
    loop = asyncio.new_event_loop()
    started = asyncio.run_coroutine_threadsafe(_listen(urls), loop)
    thread = threading.Thread(target=loop.run_forever, name="relay", daemon=True)
    thread.start()
    listener = started.result(10)
    port = listener.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}{urlsplit(urls[0]).path}"
    finally:
        loop.call_soon_threadsafe(listener.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


async def _listen(urls: Sequence[str]) -> asyncio.Server:
    places = [(str(parts.hostname), int(parts.port or 80)) for parts in map(urlsplit, urls)]
    turns = count()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = next(turns)
        for place in (places[(first + offset) % len(places)] for offset in range(len(places))):
            try:
                there, back = await asyncio.open_connection(*place)
            except OSError:
                continue
            await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
            return
        writer.close()

    return await asyncio.start_server(connected, "127.0.0.1", 0)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Bytes from one side to the other until one of them ends."""
    with suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    with suppress(OSError):
        writer.close()
