"""Saved searches: filters of the UI that a user keeps under a name (contract §3)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from headrace.wire.base import Body, Parts, Wire
from headrace.wire.listings import Offset


class SavedSearchFilter(Wire, kw_only=True):
    """One condition, in the UI's own terms: `object` is the noun, `type` that of the property's values."""

    object: str
    property: str
    type: str
    operation: str
    value: Any


class SavedSearch(Wire, kw_only=True):
    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    name: str
    filters: list[SavedSearchFilter] = []


class SavedSearchCreate(Body, kw_only=True):
    name: str
    filters: list[SavedSearchFilter] = []


class SavedSearchList(Parts, kw_only=True):
    limit: int | None = None
    offset: Offset = 0
