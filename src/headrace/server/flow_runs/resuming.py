"""Letting a paused run go on, with the input that it waits for (contract §4.6)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from headrace.rules.hydration import HydrationError, hydrate, variable_names
from headrace.rules.json_schema import CircularSchema, misfit
from headrace.server.flow_runs import inputs, queries, service
from headrace.server.states.proposals import Asker, Outcome, refusal
from headrace.server.store.base import Connection, Store
from headrace.server.variables import service as variables
from headrace.wire.base import encode_text
from headrace.wire.errors import ObjectNotFound
from headrace.wire.orchestration import SetStateStatus
from headrace.wire.states import State, StateDetails, StateType

RunInput = dict[str, Any]


class _Refused(Exception):
    """The input does not do; the message is the reason that the client is told."""


async def resume(
    store: Store, id: UUID, run_input: RunInput | None, asker: Asker, with_it: service.Companion | None = None
) -> Outcome:
    """Propose that a paused run goes on: in its process, or rescheduled where it has left it.

    The run's input is kept, and what `with_it` writes, in the transaction that lets it go on. Raises `ObjectNotFound`.
    """
    run = await queries.load(store, id)
    if run is None:
        raise ObjectNotFound(f"Flow run with id {id} not found")
    paused = run.state
    if paused is None or paused.type is not StateType.PAUSED:
        return refusal(SetStateStatus.ABORT, "Cannot resume a flow run that is not paused.")
    keyset = paused.state_details.run_input_keyset
    try:
        given = None if keyset is None else await _checked(store, id, keyset, run_input or {})
    except _Refused as reason:
        return refusal(SetStateStatus.REJECT, str(reason), paused)

    async def keep_input(transaction: Connection) -> None:
        if given and keyset is not None:
            await inputs.write(transaction, id, keyset["response"], encode_text(given), None, asker.now)
        if with_it is not None:
            await with_it(transaction)

    companion = keep_input if given else with_it
    return await service.set_state(store, id, _resumed(paused, asker), force=False, asker=asker, with_it=companion)


def _resumed(paused: State, asker: Asker) -> State:
    if paused.state_details.pause_reschedule:
        details = StateDetails(scheduled_time=asker.now)
        return State(type=StateType.SCHEDULED, name="Resuming", timestamp=asker.now, state_details=details)
    return State(type=StateType.RUNNING, timestamp=asker.now)


async def _checked(store: Store, id: UUID, keyset: Mapping[str, str], run_input: RunInput) -> RunInput:
    """The input with its placeholders resolved, if it fits the schema that the run asked for."""
    given = await _hydrated(store, run_input)
    text = await inputs.read(store, id, keyset.get("schema", ""))
    if text is None:
        raise _Refused("Run input schema not found.")
    try:
        schema = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        raise _Refused("Run input schema is not valid JSON.") from None
    try:
        reason = misfit(given, schema)
    except CircularSchema:
        raise _Refused("Invalid schema: Unable to validate schema with circular references.") from None
    except ValueError as error:
        raise _Refused(f"Reason: {error}") from None
    if reason is not None:
        raise _Refused(f"Reason: {reason}")
    return given


async def _hydrated(store: Store, run_input: RunInput) -> RunInput:
    """The input with what its placeholders stand for."""
    names = variable_names(run_input)
    found = await variables.values(store, names) if names else {}
    try:
        return hydrate(run_input, found)
    except HydrationError as error:
        raise _Refused(f"Error hydrating run input: {error}") from None
