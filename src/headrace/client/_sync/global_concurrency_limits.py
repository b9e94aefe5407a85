# Generated from _async/global_concurrency_limits.py by scripts/unasync.py; change that file, not this one.
"""Calls about concurrency limits (contract §10)."""

from uuid import UUID

from headrace.client import calls
from headrace.client._sync.base import Part
from headrace.wire.concurrency import (
    ConcurrencyLimitV2,
    GlobalConcurrencyLimit,
    GlobalConcurrencyLimitCreate,
    GlobalConcurrencyLimitUpdate,
)
from headrace.wire.errors import ObjectAlreadyExists

_LIMITS = "/v2/concurrency_limits"


class GlobalConcurrencyLimitCalls(Part):
    """A limit says how many may hold a slot of one name at once."""

    def create_global_concurrency_limit(self, concurrency_limit: GlobalConcurrencyLimitCreate) -> UUID:
        """Make a limit; its id. Raises `ObjectAlreadyExists` if the name is taken."""
        return (self._call("POST", f"{_LIMITS}/", ConcurrencyLimitV2, body=concurrency_limit)).id

    def read_global_concurrency_limit_by_name(self, name: str) -> GlobalConcurrencyLimit:
        """The limit of that name, or of that id. Raises `ObjectNotFound`."""
        return self._call("GET", f"{_LIMITS}/{calls.part(name)}", GlobalConcurrencyLimit)

    def read_global_concurrency_limits(self, limit: int | None = 200, offset: int = 0) -> list[GlobalConcurrencyLimit]:
        """Limits by name; `limit=None` reads all of them, page by page."""
        return self._list(f"{_LIMITS}/filter", GlobalConcurrencyLimit, {}, limit=limit, offset=offset)

    def update_global_concurrency_limit(self, name: str, concurrency_limit: GlobalConcurrencyLimitUpdate) -> None:
        """Change what is given of the limit of that name, or of that id. Raises `ObjectNotFound`."""
        self._tell("PATCH", f"{_LIMITS}/{calls.part(name)}", body=concurrency_limit)

    def upsert_global_concurrency_limit_by_name(
        self, name: str, limit: int, slot_decay_per_second: float | None = None, active: bool | None = None
    ) -> None:
        """Make the limit of that name, or change it if it exists."""
        given = calls.given({"limit": limit, "slot_decay_per_second": slot_decay_per_second, "active": active})
        try:
            self.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, **given))
        except ObjectAlreadyExists:
            self.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(**given))

    def delete_global_concurrency_limit_by_name(self, name: str) -> None:
        """Delete the limit of that name, or of that id. Raises `ObjectNotFound`."""
        self._tell("DELETE", f"{_LIMITS}/{calls.part(name)}")
