"""States as rows: the columns that `flow_run_states` and `task_run_states` share, written and read."""

import msgspec

from headrace.server.store.rows import ENUM, JSON, Kind
from headrace.wire.base import encode_text
from headrace.wire.states import State, StateDetails, StateType

FIELDS: dict[str, Kind | JSON | ENUM] = {
    "id": Kind.UUID,
    "type": ENUM(StateType),
    "name": Kind.TEXT,
    "timestamp": Kind.TIME,
    "message": Kind.TEXT,
    "data": JSON(),
    "state_details": JSON(StateDetails),
}
"""The columns of a state, and how a reader takes them."""


Documents = tuple[str | None, str | None, str]
"""A state's message, data and details as they are stored."""


class StoredDetails(StateDetails, kw_only=True, omit_defaults=True):
    """Details as they are stored: only what is set, because most never is. Reading fills in the defaults."""


def message_and_documents(state: State) -> Documents:
    """The stored form; null data is no data."""
    data = None if state.data is None else encode_text(state.data)
    details = msgspec.convert(state.state_details, StoredDetails, from_attributes=True)
    return state.message, data, encode_text(details)
