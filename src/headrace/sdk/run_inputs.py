"""What is handed to a run while it runs: `RunInput`, a class whose annotations are its fields.

A paused run says what it waits for by a JSON Schema that it keeps beside itself; the answer is kept under a key that
the schema's names (contract §11.5, §12.6). Runs and programs also send each other inputs, see `input_mail`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast
from uuid import UUID

import msgspec

from headrace.sdk.dispatch import api
from headrace.sdk.drivers import Driver
from headrace.sdk.fields import MISSING, Fielded, FieldInfo, fields_of, plain_values_of
from headrace.sdk.values import model_fields_of
from headrace.wire.errors import FieldError, ObjectAlreadyExists, RunError
from headrace.wire.states import State

if TYPE_CHECKING:
    from headrace.sdk.input_mail import InputReceiver

Keyset = dict[str, str]
"""The keys of one question and its answer: `schema`, `description`, `response`, `metadata`."""


class RunInputMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """Where an input came from: its key, who sent it (`prefect.flow-run.<id>` for a run) and the run it came to."""

    key: str
    sender: str | None = None
    receiver: UUID


class RunInput(Fielded):
    """The base of what flows ask for when they pause.

    >>> class Approval(RunInput):
    ...     approved: bool
    ...     reason: str = ""
    >>> answer = pause_flow_run(wait_for_input=Approval.with_initial_data(reason="looks good"))
    """

    _description: ClassVar[str | None] = None
    metadata: ClassVar[RunInputMetadata | None] = None
    """Of an input that was received: where it came from."""

    @classmethod
    def keyset_from_type(cls) -> Keyset:
        """The keys under which inputs of this class are kept."""
        return keyset_from_base_key(cls.__name__.lower())

    @classmethod
    def receive(
        cls,
        timeout: float | None = 3600,
        poll_interval: float = 10,
        raise_timeout_error: bool = False,
        exclude_keys: Iterable[str] | None = None,
        key_prefix: str | None = None,
        flow_run_id: UUID | None = None,
    ) -> InputReceiver[Self]:
        """The inputs of this class that are sent to the current run, one by one, as they come.

        >>> for greeting in Greeting.receive(timeout=60):
        ...     print(greeting.text)
        """
        from headrace.sdk.input_mail import InputReceiver

        return InputReceiver(
            cls,
            lambda answer: answer,
            key_prefix or mail_prefix(cls),
            timeout=timeout,
            poll_interval=poll_interval,
            raise_timeout_error=raise_timeout_error,
            exclude_keys=exclude_keys,
            flow_run_id=flow_run_id,
        )

    def send_to(self, flow_run_id: UUID, sender: str | None = None, key_prefix: str | None = None) -> Any:
        """Send this input to a run. In async code this is awaited; `asend_to` always is."""
        from headrace.sdk.input_mail import send_input

        return send_input(self, flow_run_id, sender, key_prefix)

    async def asend_to(self, flow_run_id: UUID, sender: str | None = None, key_prefix: str | None = None) -> None:
        """`send_to`, always awaited."""
        from headrace.sdk.input_mail import asend_input

        await asend_input(self, flow_run_id, sender, key_prefix)

    def respond(self, run_input: Any, sender: str | None = None, key_prefix: str | None = None) -> Any:
        """Send an answer to the run that sent this input. Raises `RunError` if no run did."""
        from headrace.sdk.input_mail import send_input

        return send_input(run_input, self._sender(), sender, key_prefix)

    async def arespond(self, run_input: Any, sender: str | None = None, key_prefix: str | None = None) -> None:
        """`respond`, always awaited."""
        from headrace.sdk.input_mail import asend_input

        await asend_input(run_input, self._sender(), sender, key_prefix)

    def _sender(self) -> UUID:
        sender = self.metadata.sender if self.metadata is not None else None
        if sender is None or not sender.startswith(_RUN):
            raise RunError("There is no run to answer: this input was not sent by a flow run.")
        return UUID(sender.removeprefix(_RUN))

    @classmethod
    def with_initial_data(cls, description: str | None = None, **values: Any) -> type[Self]:
        """The same fields with other defaults, and with a text in Markdown that explains the question."""
        unknown = sorted(values.keys() - fields_of(cls).keys())
        if unknown:
            raise TypeError(f"{cls.__name__} has no field {unknown[0]!r}.")
        members: dict[str, Any] = {"__doc__": cls.__doc__, "__annotations__": {}, "_description": description}
        for name, value in values.items():
            info = fields_of(cls)[name].info
            members[name] = FieldInfo(value, None, info.title, info.description)
        return cast("type[Self]", type(cls.__name__, (cls,), members))


_RUN = "prefect.flow-run."


def sender_of(flow_run_id: UUID) -> str:
    """How a run is named as the sender of an input."""
    return f"{_RUN}{flow_run_id}"


def mail_prefix(kind: type[RunInput]) -> str:
    """What the keys of sent inputs of a class begin with (contract §11.5)."""
    return f"{kind.__name__.lower()}-auto"


def keyset_from_base_key(base_key: str) -> Keyset:
    """The keys of one question, which all begin with the base key."""
    return {name: f"{base_key}-{name}" for name in ("description", "response", "schema", "metadata")}


def keyset_from_paused_state(state: State) -> Keyset:
    """The keys of the question that a paused state asks. Raises `RunError` for other states."""
    if not state.is_paused():
        raise RunError(f"Only a paused run waits for input; this state is {state.name}.")
    key = state.state_details.pause_key or ""
    return keyset_of(state.name.lower(), key)


def keyset_of(kind: str, key: str) -> Keyset:
    """The keys of the question that a pause asks; `kind` is "paused" or "suspended"."""
    return keyset_from_base_key(f"{kind}-{key}")


def question(wanted: Any) -> tuple[type[RunInput], Callable[[RunInput], Any]]:
    """What to ask for, and how the answer becomes what the flow is given.

    A model of pydantic's is asked for by its fields; any other type, such as `str`, as one field named `value`.
    """
    if isinstance(wanted, type) and issubclass(wanted, RunInput):
        return wanted, lambda answer: answer
    name: str = getattr(cast("Any", wanted), "__name__", "")
    if (model := model_fields_of(wanted)) is not None:
        hints = {field: hint for field, (hint, _) in model.items()}
        infos = {field: info for field, (_, info) in model.items()}
        return _input_class(f"{name}RunInput", hints, infos), lambda answer: wanted(**_values(answer))
    asked = _input_class(f"{name}AutomaticRunInput", {"value": wanted}, {"value": MISSING})
    return asked, lambda answer: answer.__dict__["value"]


def _input_class(name: str, hints: dict[str, Any], members: dict[str, Any]) -> type[RunInput]:
    made = type(name, (RunInput,), {"__annotations__": hints, "__module__": __name__, **members})
    return cast("type[RunInput]", made)


def _values(answer: RunInput) -> dict[str, Any]:
    return {name: answer.__dict__[name] for name in fields_of(type(answer))}


async def ask(driver: Driver, flow_run_id: UUID, wanted: type[RunInput], keys: Keyset) -> None:
    """Keep what a run waits for beside the run; asked twice, the first stands."""
    texts = {keys["schema"]: json.dumps(wanted.json_schema())}
    if (said := wanted._description) is not None:  # pyright: ignore[reportPrivateUsage] # the class is of this module
        texts[keys["description"]] = json.dumps(said)
    for key, text in texts.items():
        try:
            await driver.call(api().create_flow_run_input, flow_run_id, key, text)
        except ObjectAlreadyExists:
            continue


async def answer(driver: Driver, flow_run_id: UUID, wanted: type[RunInput], keys: Keyset) -> RunInput:
    """What the run was given. Raises `ObjectNotFound` if that is nothing, and `FieldError` if it does not fit."""
    text = await driver.call(api().read_flow_run_input, flow_run_id, keys["response"])
    return from_text(wanted, text)


def text_of(run_input: RunInput) -> str:
    """An input as it is kept."""
    return json.dumps(plain_values_of(run_input))


def from_text(kind: type[RunInput], text: str) -> RunInput:
    """An input from what was kept. Raises `FieldError` if that does not fit."""
    values = json.loads(text)
    if not isinstance(values, dict):
        raise FieldError(f"{kind.__name__} is a JSON object, and {text[:200]} is none.")
    return kind(**cast("dict[str, Any]", values))


def as_run_input(values: RunInput | dict[str, Any] | None) -> dict[str, Any] | None:
    """An answer as the API takes it."""
    return plain_values_of(values) if isinstance(values, RunInput) else values
