"""Sending things in the background: in order, in batches, again until they are acknowledged.

A `Shipper` owns one daemon thread, started with the first item; a forked child starts its own, with nothing to send.
`put` costs a fraction of a microsecond and never waits, unless the buffer is full and its owner asked for
back-pressure. `flush` waits until everything that was put before it is settled: acknowledged, or given up after
`patience` seconds of failure, which is reported and counted.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

import msgspec

from headrace.wire.errors import BadRequest, BodyTooLarge, RequestError, Unprocessable

T = TypeVar("T")
_ABOUT_CONTENT = (BadRequest, BodyTooLarge, Unprocessable)
"""Refusals that may be the fault of one item among many."""
_log = logging.getLogger("headrace.recording")
_all: weakref.WeakSet[Shipper[Any]] = weakref.WeakSet()


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How a shipper sends. Times are in seconds; `batch` is in the units of `weigh`, `capacity` in items."""

    what: str
    linger: float = 0.1
    batch: int = 500
    capacity: int = 20_000
    patience: float = 60.0
    when_full: Literal["wait", "drop"] = "wait"


class Shipper(Generic[T]):
    """Sends items of one kind by calling `send` with lists of them, from a thread of its own."""

    def __init__(self, send: Callable[[list[T]], None], terms: Terms, weigh: Callable[[T], int] = lambda _: 1) -> None:
        self._send, self._terms, self._weigh = send, terms, weigh
        self.begin_anew()
        _all.add(self)

    def begin_anew(self) -> None:
        """Forget what is there and the thread that sends it: both are another process's."""
        self._items: deque[T | _Mark] = deque()
        self._filled = threading.Event()
        self._hurry = threading.Event()
        self._room = threading.Condition()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._away = False
        self._lost = 0

    def put(self, item: T) -> None:
        """Take an item to be sent."""
        if self._thread is None:
            self._start()
        if len(self._items) >= self._terms.capacity and not self._make_room():
            self._lost += 1
            return
        self._items.append(item)
        if not self._filled.is_set():
            self._filled.set()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"headrace-{self._terms.what}", daemon=True)
                self._thread.start()

    def hurry(self) -> None:
        """Send what is there now instead of waiting for more."""
        if self._thread is not None:
            self._hurry.set()
            self._filled.set()

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything put before is settled; False if that takes longer than `timeout` seconds."""
        if self._thread is None or not (self._items or self._filled.is_set()):
            return True
        mark = _Mark()
        self._items.append(mark)
        self.hurry()
        return mark.reached.wait(timeout)

    @property
    def what(self) -> str:
        """What is sent, as messages call it."""
        return self._terms.what

    @property
    def away(self) -> bool:
        """Whether what was sent last was given up, because nobody could be reached."""
        return self._away

    @property
    def pending(self) -> int:
        """How many items are not yet settled, at least."""
        return len(self._items)

    def _make_room(self) -> bool:
        if self._terms.when_full == "drop":
            return False
        self.hurry()
        with self._room:
            self._room.wait_for(lambda: len(self._items) < self._terms.capacity)
        return True

    def _run(self) -> None:
        while True:
            self._filled.wait()
            self._hurry.wait(self._terms.linger)
            self._hurry.clear()
            while self._items:
                self._deliver(*self._take())
            # An item put after the loop above saw the buffer empty must not be left behind, and `flush` must not
            # find the shipper idle while a batch is under way: hence cleared here, and looked at again.
            self._filled.clear()
            if self._items:
                self._filled.set()

    def _take(self) -> tuple[list[T], list[_Mark]]:
        """The next batch, and the flushes that wait for its end."""
        batch: list[T] = []
        marks: list[_Mark] = []
        weight = 0
        while self._items and weight < self._terms.batch:
            item = self._items.popleft()
            if isinstance(item, _Mark):
                marks.append(item)
                continue
            batch.append(item)
            weight += self._weigh(item)
        return batch, marks

    def _deliver(self, batch: list[T], marks: list[_Mark]) -> None:
        if batch:
            self._send_until_settled(batch)
            with self._room:
                self._room.notify_all()
        if self._lost and not self._away:
            lost, self._lost = self._lost, 0
            _log.warning("%d %s were not recorded: more were made than the API could take.", lost, self._terms.what)
        for mark in marks:
            mark.reached.set()

    def _send_until_settled(self, batch: list[T]) -> None:
        deadline = time.monotonic() + (0 if self._away else self._terms.patience)
        delay = 0.1
        while True:
            try:
                self._send(batch)
            except RequestError as refusal:
                self._refused(batch, refusal)
                return
            except Exception as error:
                if time.monotonic() + delay > deadline:
                    self._away = True
                    _log.warning(
                        "%d %s could not be recorded: the API cannot be reached: %s",
                        len(batch),
                        self._terms.what,
                        error,
                    )
                    return
                time.sleep(delay)
                delay = min(delay * 2, 5.0)
            else:
                self._away = False
                return

    def _refused(self, batch: list[T], refusal: RequestError) -> None:
        """What the API finds wrong is sent again in halves, so that only what is wrong itself is lost."""
        if len(batch) == 1 or not isinstance(refusal, _ABOUT_CONTENT):
            _log.warning("%d %s were not recorded: the API refused them: %s", len(batch), self._terms.what, refusal)
            return
        middle = len(batch) // 2
        self._send_until_settled(batch[:middle])
        self._send_until_settled(batch[middle:])


class _Mark:
    """A place in the buffer that a flush waits for."""

    __slots__ = ("reached",)

    def __init__(self) -> None:
        self.reached = threading.Event()


def _after_fork() -> None:
    for shipper in list(_all):
        shipper.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
