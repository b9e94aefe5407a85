# Generated from _async/collections.py by scripts/unasync.py; change that file, not this one.
"""Calls about the catalogues that come with the server, and about templates."""

from typing import Any

from headrace.client import calls
from headrace.client._sync.base import Part


class CollectionCalls(Part):
    """Catalogues of what exists beyond the server itself: workers, flows, blocks of other packages."""

    def read_collection_view(self, view: str) -> dict[str, Any]:
        """A catalogue, such as "aggregate-worker-metadata". Raises `ObjectNotFound`."""
        return self._call("GET", f"/collections/views/{calls.part(view)}", dict[str, Any])

    def read_worker_metadata(self) -> dict[str, Any]:
        """The kinds of worker by package, each with its default job template."""
        return self.read_collection_view("aggregate-worker-metadata")

    def validate_template(self, template: str) -> None:
        """Check a template of an automation. Raises `Unprocessable` saying what is wrong and where."""
        self._tell("POST", "/templates/validate", body=template)
