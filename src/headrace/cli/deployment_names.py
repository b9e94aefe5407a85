"""Deployments on the command line: by `flow/deployment` or by id."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from headrace.cli.errors import CommandFailed, UsageError
from headrace.wire.deployments import Deployment
from headrace.wire.errors import ObjectNotFound

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient

NOUN = "deployment"


def find(api: "SyncHeadraceClient", reference: str) -> Deployment:
    """The deployment that is meant. Raises `UsageError` for what is neither a name nor an id, and `CommandFailed`."""
    try:
        id = UUID(reference)
    except ValueError:
        id = None
    if id is None and "/" not in reference.strip("/"):
        raise UsageError(
            f"{reference!r} names no deployment: write it as flow/deployment; headrace deployment ls shows names."
        )
    try:
        return api.read_deployment_by_name(reference) if id is None else api.read_deployment(id)
    except ObjectNotFound:
        raise CommandFailed(
            f"There is no deployment {reference}; headrace deployment ls shows those there are."
        ) from None


def ids_of(api: "SyncHeadraceClient", references: Sequence[str]) -> list[UUID]:
    """The ids of the deployments that are meant, each once, in order."""
    if not references:
        raise UsageError("No deployment named: give names as flow/deployment, or ids.")
    return list(dict.fromkeys(find(api, reference).id for reference in references))
