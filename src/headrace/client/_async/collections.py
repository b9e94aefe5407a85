"""Calls about the catalogues that come with the server, and about templates."""

from typing import Any

from headrace.client import calls
from headrace.client._async.base import Part


class CollectionCalls(Part):
    """Catalogues of what exists beyond the server itself: workers, flows, blocks of other packages."""

    async def read_collection_view(self, view: str) -> dict[str, Any]:
        """A catalogue, such as "aggregate-worker-metadata". Raises `ObjectNotFound`."""
        return await self._call("GET", f"/collections/views/{calls.part(view)}", dict[str, Any])

    async def read_worker_metadata(self) -> dict[str, Any]:
        """The kinds of worker by package, each with its default job template."""
        return await self.read_collection_view("aggregate-worker-metadata")

    async def validate_template(self, template: str) -> None:
        """Check a template of an automation. Raises `Unprocessable` saying what is wrong and where."""
        await self._tell("POST", "/templates/validate", body=template)
