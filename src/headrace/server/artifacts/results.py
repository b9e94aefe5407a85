"""Results of runs as artifacts (contract §4.1).

A state's data stays on the state, where it is read together with the run; a copy of it becomes an artifact
without a key, so that it is in no collection, unless the data itself names one.
"""

from typing import Any, cast

from headrace.wire.artifacts import ArtifactCreate
from headrace.wire.states import State

_NAMES = {"artifact_key": "key", "artifact_type": "type", "artifact_description": "description"}
_UNPERSISTED = "unpersisted"


def result_of(state: State) -> ArtifactCreate | None:
    """The artifact to be made of a state's data, or None if there is nothing to keep.

    What the data says about the artifact itself (`artifact_key` …) is taken out of it.
    """
    given: Any = state.data
    if given is None:
        return None
    named: dict[str, Any] = {}
    if isinstance(given, dict):
        data = cast(dict[str, Any], given)
        if data.get("type") == _UNPERSISTED:
            return None
        named = {field: data[name] for name, field in _NAMES.items() if isinstance(data.get(name), str)}
        if not _NAMES.keys().isdisjoint(data):
            given = state.data = {name: value for name, value in data.items() if name not in _NAMES}
    details = state.state_details
    return ArtifactCreate(data=given, flow_run_id=details.flow_run_id, task_run_id=details.task_run_id, **named)
