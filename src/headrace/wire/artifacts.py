"""Artifacts: what runs leave for people to look at, and the collection of those that share a key (contract §3)."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Wire
from headrace.wire.filters import ArtifactCollectionFilter, ArtifactFilter, Filter
from headrace.wire.listings import Filters, Offset
from headrace.wire.sorts import ArtifactCollectionSort, ArtifactSort

Key = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]*$(?!\n)")]
"""Lower-case letters, digits and dashes (contract §1)."""

Metadata = dict[str, str]

LONGEST_METADATA = 500
"""Characters of a value in `metadata_` that are kept; what is cut off leaves an ellipsis (contract §1)."""


class Artifact(Wire, kw_only=True):
    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    key: str | None = None
    type: str | None = None
    description: str | None = None
    data: Any = None
    metadata_: Metadata | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class ArtifactCollection(Wire, kw_only=True):
    """The artifacts of one key, shown as the latest of them is. `id` is the collection's own."""

    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    key: str
    latest_id: UUID
    type: str | None = None
    description: str | None = None
    data: Any = None
    metadata_: Metadata | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class ArtifactCreate(Body, kw_only=True):
    key: Key | None = None
    type: str | None = None
    description: str | None = None
    data: Any = None
    metadata_: Metadata | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None

    def __post_init__(self) -> None:
        """Long metadata is cut, not refused."""
        super().__post_init__()
        self.metadata_ = None if self.metadata_ is None else shortened(self.metadata_)


class ArtifactUpdate(Body, kw_only=True):
    data: Any = msgspec.UNSET
    description: str | None | msgspec.UnsetType = msgspec.UNSET
    metadata_: Metadata | None | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        """Long metadata is cut, not refused."""
        super().__post_init__()
        if isinstance(self.metadata_, dict):
            self.metadata_ = shortened(self.metadata_)


def shortened(metadata: Metadata) -> Metadata:
    """Metadata with its long values cut.

    >>> len(shortened({"query": "x" * 900})["query"])
    503
    """
    return {
        name: value if len(value) <= LONGEST_METADATA else f"{value[:LONGEST_METADATA]}..."
        for name, value in metadata.items()
    }


class ArtifactFilters(Filters, kw_only=True):
    artifacts: ArtifactFilter | None = None


class ArtifactList(ArtifactFilters, kw_only=True):
    sort: ArtifactSort = ArtifactSort.ID_DESC
    limit: int | None = None
    offset: Offset = 0


class ArtifactCollectionFilters(Filters, kw_only=True):
    """The run that is asked for is the latest artifact's."""

    artifacts: ArtifactCollectionFilter | None = None

    def given(self) -> dict[str, Filter]:
        """The filters that are given, by noun."""
        return {"artifact_collections" if name == "artifacts" else name: part for name, part in super().given().items()}


class ArtifactCollectionList(ArtifactCollectionFilters, kw_only=True):
    sort: ArtifactCollectionSort = ArtifactCollectionSort.ID_DESC
    limit: int | None = None
    offset: Offset = 0
