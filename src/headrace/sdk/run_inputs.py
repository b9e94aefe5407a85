"""What a person gives a paused run so that it can go on: `RunInput`, a class whose annotations are its fields.

The run says what it waits for by a JSON Schema that it keeps beside itself; the answer is kept under a key that the
schema's names (contract §11.5, §12.6).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar, Self, cast
from uuid import UUID

from headrace.sdk.dispatch import api
from headrace.sdk.drivers import Driver
from headrace.sdk.fields import MISSING, Fielded, FieldInfo, fields_of, plain_values_of
from headrace.wire.errors import ObjectAlreadyExists

Keyset = dict[str, str]
"""The keys of one question and its answer: `schema`, `description`, `response`, `metadata`."""


class RunInput(Fielded):
    """The base of what flows ask for when they pause.

    >>> class Approval(RunInput):
    ...     approved: bool
    ...     reason: str = ""
    >>> answer = pause_flow_run(wait_for_input=Approval.with_initial_data(reason="looks good"))
    """

    _description: ClassVar[str | None] = None

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


def keyset_of(kind: str, key: str) -> Keyset:
    """The keys of the question that a pause asks; `kind` is "paused" or "suspended"."""
    return {name: f"{kind}-{key}-{name}" for name in ("description", "response", "schema", "metadata")}


def question(wanted: Any) -> tuple[type[RunInput], Callable[[RunInput], Any]]:
    """What to ask for, and how the answer becomes what the flow is given.

    A plain type, such as `str`, is asked for as one field named `value`.
    """
    if isinstance(wanted, type) and issubclass(wanted, RunInput):
        return wanted, lambda answer: answer
    name: str = getattr(cast("Any", wanted), "__name__", "Input")
    members: dict[str, Any] = {"__annotations__": {"value": wanted}, "value": MISSING, "__module__": __name__}
    return cast("type[RunInput]", type(f"{name.title()}Input", (RunInput,), members)), lambda answer: answer.__dict__[
        "value"
    ]


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
    return wanted(**json.loads(text))


def as_run_input(values: RunInput | dict[str, Any] | None) -> dict[str, Any] | None:
    """An answer as the API takes it."""
    return plain_values_of(values) if isinstance(values, RunInput) else values
