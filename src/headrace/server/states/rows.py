"""States as rows: the columns that `flow_run_states` and `task_run_states` share, written and read."""

from typing import Any

import msgspec

from headrace.server.store.rows import ENUM, JSON, Kind
from headrace.wire.base import encode_text
from headrace.wire.states import State, StateDetails, StateType

COLUMNS = "id, type, name, timestamp, message, data, state_details"
FIELDS: dict[str, Kind | JSON | ENUM] = {
    "id": Kind.UUID,
    "type": ENUM(StateType),
    "name": Kind.TEXT,
    "timestamp": Kind.TIME,
    "message": Kind.TEXT,
    "data": JSON(),
    "state_details": JSON(StateDetails),
}
"""How a reader takes a state from COLUMNS."""

JOINED = ", ".join(f"s.{column}" for column in FIELDS)
"""The same columns of a state table `s` that is joined to its run."""

JOINED_FIELDS = {f"state__{name}": kind for name, kind in FIELDS.items()}
"""How a reader takes them after the columns of the run; `joined_state` puts them together."""


class StoredDetails(StateDetails, kw_only=True, omit_defaults=True):
    """Details as they are stored: only what is set, because most never is. Reading fills in the defaults."""


def joined_state(columns: dict[str, Any]) -> State | None:
    """The state in a row read with JOINED_FIELDS, or None where the run has none."""
    if columns["state__id"] is None:
        return None
    return State(
        id=columns["state__id"],
        type=columns["state__type"],
        name=columns["state__name"],
        timestamp=columns["state__timestamp"],
        message=columns["state__message"],
        data=columns["state__data"],
        state_details=columns["state__state_details"],
    )


def message_and_documents(state: State) -> tuple[str | None, str | None, str]:
    """A state's message, data and details as they are stored; null data is no data."""
    data = None if state.data is None else encode_text(state.data)
    details = msgspec.convert(state.state_details, StoredDetails, from_attributes=True)
    return state.message, data, encode_text(details)
