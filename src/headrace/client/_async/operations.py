"""Calls about operations: bulk changes that go on by themselves, to be watched, stopped and undone."""

from uuid import UUID

from headrace.client._async.base import Part
from headrace.client.transports import NO_HEADERS
from headrace.wire.operations import (
    IDEMPOTENCY_HEADER,
    ConflictResolution,
    FailureGroup,
    ItemStatus,
    Operation,
    OperationCreate,
    OperationItem,
    OperationKind,
    OperationPreview,
    OperationUndo,
    Preview,
)

_MOST_ITEMS = 1000


class OperationCalls(Part):
    """What only a headrace server has; Prefect's answers `ObjectNotFound`."""

    async def preview_operation(self, wanted: OperationPreview) -> Preview:
        """What an operation would do now; its token can be given to `create_operation`."""
        return await self._call("POST", "/x/operations/preview", Preview, body=wanted)

    async def create_operation(self, wanted: OperationCreate, *, idempotency_key: str | None = None) -> Operation:
        """Begin an operation, which goes on by itself; the same key, sent again, gives the same operation.

        Raises `Conflict` if the preview that `token` is of does not hold any more.
        """
        headers = NO_HEADERS if idempotency_key is None else {IDEMPOTENCY_HEADER: idempotency_key}
        return await self._call("POST", "/x/operations", Operation, body=wanted, headers=headers)

    async def read_operation(self, id: UUID) -> Operation:
        """An operation and how far it is. Raises `ObjectNotFound`."""
        return await self._call("GET", f"/x/operations/{id}", Operation)

    async def read_operations(
        self, *, open: bool | None = None, kind: OperationKind | None = None, limit: int = 50, offset: int = 0
    ) -> list[Operation]:
        """Operations, the newest first; `open` leaves those that go on, or those that have ended."""
        query = {"open": open, "kind": kind, "limit": limit, "offset": offset}
        return await self._call("GET", "/x/operations", list[Operation], query=query)

    async def read_operation_items(
        self, id: UUID, *, status: ItemStatus | None = None, after: int = 0, limit: int | None = 200
    ) -> list[OperationItem]:
        """What it applies to, behind the position `after`, and how each fared; `limit=None` reads all of it."""
        found: list[OperationItem] = []
        while limit is None or len(found) < limit:
            size = _MOST_ITEMS if limit is None else min(_MOST_ITEMS, limit - len(found))
            query = {"status": status, "after": after, "limit": size}
            page = await self._call("GET", f"/x/operations/{id}/items", list[OperationItem], query=query)
            found += page
            if len(page) < size:
                break
            after = page[-1].position
        return found

    async def read_operation_failures(self, id: UUID) -> list[FailureGroup]:
        """What went wrong with its items, by error, the most frequent first."""
        return await self._call("GET", f"/x/operations/{id}/failures", list[FailureGroup])

    async def abort_operation(self, id: UUID) -> Operation:
        """Stop it before its next batch. Raises `Conflict` if it has ended already."""
        return await self._call("POST", f"/x/operations/{id}/abort", Operation)

    async def undo_operation(
        self, id: UUID, *, on_conflict: ConflictResolution = ConflictResolution.FAIL, reason: str | None = None
    ) -> Operation:
        """Take back what it has done; the answer is the operation that does so.

        Raises `Conflict` for what cannot be undone, and `Gone` where it has been removed for good.
        """
        body = OperationUndo(on_conflict=on_conflict, reason=reason)
        return await self._call("POST", f"/x/operations/{id}/undo", Operation, body=body)

    async def retry_failed_operation_items(self, id: UUID) -> Operation:
        """Try its items again that failed or had a conflict. Raises `Conflict` while it goes on."""
        return await self._call("POST", f"/x/operations/{id}/retry_failed", Operation)
