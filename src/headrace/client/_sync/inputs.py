# Generated from _async/inputs.py by scripts/unasync.py; change that file, not this one.
"""Calls about the inputs of flow runs: values handed to a run while it runs."""

from collections.abc import Iterable
from uuid import UUID

from headrace.client import calls
from headrace.client._sync.base import Part
from headrace.wire.flow_runs import FlowRunInput


class InputCalls(Part):
    """An input has a key of its own within its run; its value is the JSON text that the receiver expects."""

    def create_flow_run_input(self, flow_run_id: UUID, key: str, value: str, sender: str | None = None) -> None:
        """Hand a run a value. Raises `ObjectAlreadyExists` if the key is taken."""
        body = {"key": key, "value": value, "sender": sender}
        self._tell("POST", f"/flow_runs/{flow_run_id}/input", body=body)

    def filter_flow_run_input(
        self, flow_run_id: UUID, key_prefix: str, limit: int = 1, exclude_keys: Iterable[str] = ()
    ) -> list[FlowRunInput]:
        """The oldest inputs whose key starts with a prefix and is not among the excluded ones."""
        body = {"prefix": key_prefix, "limit": limit, "exclude_keys": list(exclude_keys)}
        return self._call("POST", f"/flow_runs/{flow_run_id}/input/filter", list[FlowRunInput], body=body)

    def read_flow_run_input(self, flow_run_id: UUID, key: str) -> str:
        """The value of an input. Raises `ObjectNotFound`."""
        return self._text("GET", f"/flow_runs/{flow_run_id}/input/{calls.part(key)}")

    def delete_flow_run_input(self, flow_run_id: UUID, key: str) -> None:
        """Delete an input. Raises `ObjectNotFound`."""
        self._tell("DELETE", f"/flow_runs/{flow_run_id}/input/{calls.part(key)}")
