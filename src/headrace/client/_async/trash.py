"""Calls about the trash: what is deleted and can be restored."""

from uuid import UUID

from headrace.client._async.base import Part
from headrace.wire.operations import OperationNoun, TrashItem, TrashSummary


class TrashCalls(Part):
    """What only a headrace server has; Prefect's answers `ObjectNotFound`."""

    async def read_trash(
        self,
        *,
        noun: OperationNoun | None = None,
        q: str | None = None,
        operation_id: UUID | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> list[TrashItem]:
        """What can be restored, the newest deleted first: of one noun, with `q` in its name, of one operation."""
        query = {"noun": noun, "q": q, "operation_id": operation_id, "limit": limit, "offset": offset}
        return await self._call("GET", "/x/trash", list[TrashItem], query=query)

    async def read_trash_summary(self) -> TrashSummary:
        """How much can be restored, and until when."""
        return await self._call("GET", "/x/trash/summary", TrashSummary)
