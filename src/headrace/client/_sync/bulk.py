# Generated from _async/bulk.py by scripts/unasync.py; change that file, not this one.
"""Calls that change many objects at once, at most 50 in one (contract §3, §4.6)."""

from uuid import UUID

from headrace.client._sync.base import Part
from headrace.client.proposals import proposal
from headrace.wire.filters import FlowFilter, FlowRunFilter
from headrace.wire.orchestration import BulkSetStateResult
from headrace.wire.states import State, StateCreate


class BulkCalls(Part):
    """The filter says which objects; what was done is answered for each."""

    def bulk_set_flow_run_state(
        self, flow_run_filter: FlowRunFilter, state: State | StateCreate, force: bool = False, limit: int = 50
    ) -> BulkSetStateResult:
        """Propose a state for each of the runs; one that is refused does not stop the others."""
        body = {"flow_runs": flow_run_filter, "state": proposal(state), "force": force, "limit": limit}
        return self._call("POST", "/flow_runs/bulk_set_state", BulkSetStateResult, body=body)

    def bulk_delete_flow_runs(self, flow_run_filter: FlowRunFilter, limit: int = 50) -> list[UUID]:
        """Delete runs; the ids of those that were."""
        body = {"flow_runs": flow_run_filter, "limit": limit}
        return (self._call("POST", "/flow_runs/bulk_delete", dict[str, list[UUID]], body=body))["deleted"]

    def bulk_delete_flows(self, flow_filter: FlowFilter, limit: int = 50) -> list[UUID]:
        """Delete flows with their runs; the ids of those that were."""
        body = {"flows": flow_filter, "limit": limit}
        return (self._call("POST", "/flows/bulk_delete", dict[str, list[UUID]], body=body))["deleted"]
