# Generated from _async/concurrency_limits.py by scripts/unasync.py; change that file, not this one.
"""Calls about the limits on tags, in the form of the API's first version (contract §10)."""

from collections.abc import Iterable
from uuid import UUID

from headrace.client import calls
from headrace.client._sync.base import Part
from headrace.wire.concurrency import ConcurrencyLimit, ConcurrencyLimitCreate, LimitSummary, TagReset, TagSlots


class ConcurrencyLimitCalls(Part):
    """A limit on a tag says how many task runs with that tag may run at once."""

    def create_concurrency_limit(self, tag: str, concurrency_limit: int) -> UUID:
        """Give a tag a limit, or another one; the limit's id."""
        body = ConcurrencyLimitCreate(tag=tag, concurrency_limit=concurrency_limit)
        return (self._call("POST", "/concurrency_limits/", ConcurrencyLimit, body=body)).id

    def read_concurrency_limit(self, concurrency_limit_id: UUID) -> ConcurrencyLimit:
        """One limit. Raises `ObjectNotFound`."""
        return self._call("GET", f"/concurrency_limits/{concurrency_limit_id}", ConcurrencyLimit)

    def read_concurrency_limit_by_tag(self, tag: str) -> ConcurrencyLimit:
        """The limit of a tag, with the task runs that hold its slots. Raises `ObjectNotFound`."""
        return self._call("GET", f"/concurrency_limits/tag/{calls.part(tag)}", ConcurrencyLimit)

    def read_concurrency_limits(self, limit: int | None = 200, offset: int = 0) -> list[ConcurrencyLimit]:
        """The limits of tags; `limit=None` reads all of them, page by page."""
        return self._list("/concurrency_limits/filter", ConcurrencyLimit, {}, limit=limit, offset=offset)

    def reset_concurrency_limit_by_tag(self, tag: str, slot_override: Iterable[UUID] | None = None) -> None:
        """Take all slots away, but for the task runs that are named. Raises `ObjectNotFound`."""
        body = TagReset(slot_override=None if slot_override is None else list(slot_override))
        self._tell("POST", f"/concurrency_limits/tag/{calls.part(tag)}/reset", body=body)

    def delete_concurrency_limit(self, concurrency_limit_id: UUID) -> None:
        """Delete a limit. Raises `ObjectNotFound`."""
        self._tell("DELETE", f"/concurrency_limits/{concurrency_limit_id}")

    def delete_concurrency_limit_by_tag(self, tag: str) -> None:
        """Delete the limit of a tag. Raises `ObjectNotFound`."""
        self._tell("DELETE", f"/concurrency_limits/tag/{calls.part(tag)}")

    def increment_v1_concurrency_slots(self, names: Iterable[str], task_run_id: UUID) -> list[LimitSummary]:
        """Take a slot of each tag for a task run. Raises `Locked`, which says when to try again."""
        body = TagSlots(names=list(names), task_run_id=task_run_id)
        return self._call("POST", "/concurrency_limits/increment", list[LimitSummary], body=body)

    def decrement_v1_concurrency_slots(self, names: Iterable[str], task_run_id: UUID) -> list[LimitSummary]:
        """Give the slots of a task run back."""
        body = TagSlots(names=list(names), task_run_id=task_run_id)
        return self._call("POST", "/concurrency_limits/decrement", list[LimitSummary], body=body)
