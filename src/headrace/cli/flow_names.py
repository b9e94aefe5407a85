"""Flows on the command line: by name or by id."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from headrace.cli.errors import CommandFailed
from headrace.wire.filters import FlowFilter, FlowFilterId, FlowFilterName
from headrace.wire.flows import Flow

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient


def find(api: "SyncHeadraceClient", reference: str) -> Flow:
    """The flow that is meant. Raises `CommandFailed` if there is none."""
    try:
        wanted = FlowFilter(id=FlowFilterId(any_=[UUID(reference)]))
    except ValueError:
        wanted = FlowFilter(name=FlowFilterName(any_=[reference]))
    if found := api.read_flows(flow_filter=wanted):
        return found[0]
    raise CommandFailed(f"There is no flow {reference}; headrace flow ls shows those there are.")


def ids_of(api: "SyncHeadraceClient", references: Sequence[str]) -> list[UUID]:
    """The ids of the flows that are meant, each once, in order."""
    return list(dict.fromkeys(find(api, reference).id for reference in references))
