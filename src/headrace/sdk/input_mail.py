"""Inputs that runs are sent while they run: `send_input` on one side, `receive_input` on the other (contract §11.5).

An input is kept with its run and never taken away by being read; a receiver remembers which ones it has given.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

from headrace.sdk.context import FlowRunContext
from headrace.sdk.dispatch import SUSPENDING, api, dispatch
from headrace.sdk.drivers import Blocking, Driver, complete
from headrace.sdk.run_inputs import RunInput, RunInputMetadata, from_text, mail_prefix, question, sender_of, text_of
from headrace.wire.errors import MissingContext
from headrace.wire.flow_runs import FlowRunInput
from headrace.wire.waiting_errors import WaitTimeout

T = TypeVar("T")
_FIRST_POLL = 0.2
"""Seconds until inputs are looked for again first; from then on each pause is twice as long, up to what was asked."""


class InputReceiver(Generic[T]):
    """The inputs of one kind that come to a run: iterate over it, with `for` or `async for`, or ask for the `next()`.

    Iteration ends when none came for `timeout` seconds, with `WaitTimeout` if `raise_timeout_error`. Each input is
    given once; those whose keys are in `exclude_keys` are not given at all.
    """

    def __init__(
        self,
        run_input_cls: type[RunInput],
        convert: Callable[[Any], T],
        key_prefix: str,
        *,
        timeout: float | None = 3600,
        poll_interval: float = 10,
        raise_timeout_error: bool = False,
        exclude_keys: Iterable[str] | None = None,
        flow_run_id: UUID | None = None,
    ) -> None:
        self.run_input_cls = run_input_cls
        self.key_prefix = key_prefix
        self.timeout = timeout
        self.poll_interval = poll_interval
        self.raise_timeout_error = raise_timeout_error
        self.exclude_keys = set(exclude_keys or ())
        self.flow_run_id = receiver_id(flow_run_id)
        self._convert = convert

    def next(self) -> Any:
        """The next input, waiting for it. In async code this is awaited; `anext` always is.

        Raises `WaitTimeout`, and `FieldError` for an input that does not fit, which is then passed over.
        """
        return dispatch(self._next)

    async def anext(self) -> T:
        """`next`, always awaited."""
        return await self._next(SUSPENDING)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            return complete(self._next(Blocking()))
        except WaitTimeout:
            if self.raise_timeout_error:
                raise
            raise StopIteration from None

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        try:
            return await self._next(SUSPENDING)
        except WaitTimeout:
            if self.raise_timeout_error:
                raise
            raise StopAsyncIteration from None

    async def _next(self, driver: Driver) -> T:
        deadline = None if self.timeout is None else time.monotonic() + self.timeout
        delay = _FIRST_POLL
        while True:
            found = await driver.call(
                api().filter_flow_run_input, self.flow_run_id, self.key_prefix, 1, sorted(self.exclude_keys)
            )
            if found:
                return self._given(found[0])
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise WaitTimeout(f"No input of {self.key_prefix} came within {self.timeout:g} seconds.")
            delay = min(delay, self.poll_interval)
            await driver.sleep(delay if left is None else min(delay, left))
            delay *= 2

    def _given(self, kept: FlowRunInput) -> T:
        self.exclude_keys.add(kept.key)
        made = from_text(self.run_input_cls, kept.value)
        made.__dict__["metadata"] = RunInputMetadata(key=kept.key, sender=kept.sender, receiver=self.flow_run_id)
        return self._convert(made)


def receive_input(
    input_type: Any,
    timeout: float | None = 3600,
    poll_interval: float = 10,
    raise_timeout_error: bool = False,
    exclude_keys: Iterable[str] | None = None,
    key_prefix: str | None = None,
    flow_run_id: UUID | None = None,
    with_metadata: bool = False,
) -> InputReceiver[Any]:
    """The inputs of a type that are sent to the current run, one by one, as they come.

    `input_type` is a `RunInput` class or a type such as `str`. `with_metadata` gives a plain value as a `RunInput`
    with the `value` and the `metadata`, which says where it came from, and can be answered by `respond`.

    >>> for name in receive_input(str, timeout=60):
    ...     print(f"Hello, {name}")
    """
    asked, convert = question(input_type)
    return InputReceiver(
        asked,
        (lambda answer: answer) if with_metadata else convert,
        key_prefix or mail_prefix(asked),
        timeout=timeout,
        poll_interval=poll_interval,
        raise_timeout_error=raise_timeout_error,
        exclude_keys=exclude_keys,
        flow_run_id=flow_run_id,
    )


def send_input(run_input: Any, flow_run_id: UUID, sender: str | None = None, key_prefix: str | None = None) -> Any:
    """Send a run an input: a `RunInput`, or any value that JSON can say. In async code this is awaited.

    The receiver asks for it by its class or type. Raises `ObjectNotFound`.
    """
    return dispatch(_send, run_input, flow_run_id, sender, key_prefix)


async def asend_input(
    run_input: Any, flow_run_id: UUID, sender: str | None = None, key_prefix: str | None = None
) -> None:
    """`send_input`, always awaited."""
    await _send(SUSPENDING, run_input, flow_run_id, sender, key_prefix)


async def _send(driver: Driver, run_input: Any, flow_run_id: UUID, sender: str | None, key_prefix: str | None) -> None:
    mail = run_input if isinstance(run_input, RunInput) else _as_mail(run_input)
    run = FlowRunContext.get()
    if sender is None and run is not None:
        sender = sender_of(run.flow_run.id)
    key = f"{key_prefix or mail_prefix(type(mail))}-{uuid4()}"
    await driver.call(api().create_flow_run_input, flow_run_id, key, text_of(mail), sender)


def _as_mail(value: Any) -> RunInput:
    asked: type[Any] = question(type(value))[0]
    return asked(**value.model_dump()) if hasattr(value, "model_dump") else asked(value=value)


def receiver_id(flow_run_id: UUID | None) -> UUID:
    """The id, or that of the current run. Raises `MissingContext` where there is neither."""
    if flow_run_id is not None:
        return flow_run_id
    run = FlowRunContext.get()
    if run is None:
        raise MissingContext("There is no flow run here: give a flow_run_id, or call this inside a flow.")
    return run.flow_run.id
