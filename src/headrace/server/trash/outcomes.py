"""What came of removing and restoring."""

from collections.abc import Iterable, Mapping
from uuid import UUID

import msgspec

Counts = Mapping[str, int]
"""How many rows, by table."""


class Changed(msgspec.Struct, frozen=True):
    """Which objects were removed, or given back, and how many rows that makes with what belongs to them."""

    ids: list[UUID]
    counts: Counts


class Removed(msgspec.Struct, frozen=True):
    """Which of some objects were removed, and which are `gone`: deleted before, or never there."""

    removed: list[UUID]
    gone: list[UUID]
    counts: Counts


class Conflict(msgspec.Struct, frozen=True):
    """Something that cannot be restored as it was, and why."""

    id: UUID
    reason: str


class Restored(msgspec.Struct, frozen=True):
    """Which of some objects were given back, which are `gone` (purged, or not deleted), and which have a conflict."""

    restored: list[UUID]
    gone: list[UUID]
    conflicts: list[Conflict]
    counts: Counts


def together(several: Iterable[Counts]) -> dict[str, int]:
    """The counts of several changes, added up; tables of which nothing changed are left out."""
    found: dict[str, int] = {}
    for counts in several:
        for table, count in counts.items():
            if count:
                found[table] = found.get(table, 0) + count
    return found
