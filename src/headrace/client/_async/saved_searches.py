"""Calls about saved searches."""

from uuid import UUID

from headrace.client._async.base import Part
from headrace.wire.saved_searches import SavedSearch, SavedSearchCreate


class SavedSearchCalls(Part):
    """A saved search is a set of filters of the user interface under a name."""

    async def save_search(self, search: SavedSearchCreate) -> SavedSearch:
        """Keep a search; another one of that name is replaced."""
        return await self._call("PUT", "/saved_searches/", SavedSearch, body=search)

    async def read_saved_search(self, search_id: UUID) -> SavedSearch:
        """One search. Raises `ObjectNotFound`."""
        return await self._call("GET", f"/saved_searches/{search_id}", SavedSearch)

    async def read_saved_searches(self, limit: int | None = 200, offset: int = 0) -> list[SavedSearch]:
        """Searches; `limit=None` reads all of them, page by page."""
        return await self._list("/saved_searches/filter", SavedSearch, {}, limit=limit, offset=offset)

    async def delete_saved_search(self, search_id: UUID) -> None:
        """Delete a search. Raises `ObjectNotFound`."""
        await self._tell("DELETE", f"/saved_searches/{search_id}")
