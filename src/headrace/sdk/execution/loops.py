"""The loops around runs, from the start of a runner or worker to its orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from typing import TYPE_CHECKING, Any

from headrace.sdk.execution.polling import Fetch, Poller
from headrace.sdk.execution.watching import Ours, Watcher

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence

    from headrace.client.orchestration import HeadraceClient
    from headrace.sdk.execution.under_way import UnderWay
    from headrace.wire.flow_runs import FlowRun

_log = logging.getLogger("headrace.runner")
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Loops:
    """Polls, listens and executes until it is asked to stop; then drains."""

    def __init__(
        self, client: HeadraceClient, under_way: UnderWay, fetch: Fetch, every: float, *, drains: bool, ours: Ours
    ) -> None:
        self._under_way, self._drains = under_way, drains
        self.poller = Poller(fetch, under_way, every)
        self._watcher = Watcher(client, under_way, self.poller.wake.set, every, ours)
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()

    def stop(self) -> None:
        """Begin nothing more, and end when what is under way has ended; asked again, end that, and then kill it."""
        if self._hurry.is_set():
            self._under_way.hurry()
        elif self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def work(self, *others: Coroutine[Any, Any, None], stopping: Callable[[], Awaitable[None]]) -> None:
        """Execute what is due until `stop` is called or a signal says so.

        `others` go on beside it for ever, also while runs are drained; `stopping` is called before that.
        """
        with self._signals():
            listening = [asyncio.ensure_future(each) for each in (self._watcher.listen(), self._watcher.keep_asking())]
            polling = [asyncio.ensure_future(each) for each in (self.poller.run(), *others)]
            try:
                stop = asyncio.ensure_future(self._stop.wait())
                done, _ = await asyncio.wait([stop, *listening, *polling], return_when=asyncio.FIRST_COMPLETED)
                await _end(polling[:1])
                await stopping()
                await self._drain()
                for each in done:
                    each.result()
            finally:
                await _end([*listening, *polling])

    async def once(self) -> None:
        """Execute what is due now, and end."""
        with self._signals():
            listening = [asyncio.ensure_future(each) for each in (self._watcher.listen(), self._watcher.keep_asking())]
            try:
                await self.poller.look()
                await self._drain()
            finally:
                await _end(listening)

    async def _drain(self) -> None:
        """Wait for the runs under way; cancel them where that is wanted, or asked for by a second signal."""
        if not self._under_way.ids:
            return
        if not self._drains:
            self._hurry.set()
        else:
            count = len(self._under_way.ids)
            what = "1 run" if count == 1 else f"{count} runs"
            _log.warning("Waiting for %s to end. Ask again to end them now.", what)
        emptied, hurry = asyncio.ensure_future(self._under_way.empty()), asyncio.ensure_future(self._hurry.wait())
        await asyncio.wait([emptied, hurry], return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        if not emptied.done():
            await self._under_way.cancel_all("Who executed the flow run was asked to stop.")
            await emptied

    @contextlib.contextmanager
    def _signals(self) -> Generator[None]:
        loop = asyncio.get_running_loop()
        installed: list[signal.Signals] = []
        for number in _SIGNALS:
            # Only the main thread hears signals, and not every platform's loop does.
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self.stop)
                installed.append(number)
        try:
            yield
        finally:
            for number in installed:
                loop.remove_signal_handler(number)


async def _end(tasks: Sequence[asyncio.Future[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def tell_line(run: FlowRun, line: str) -> None:
    """A line of a run's output on this process's terminal."""
    sys.stdout.write(f"{run.name} | {line}\n")
    sys.stdout.flush()
