# Generated from _async/admin.py by scripts/unasync.py; change that file, not this one.
"""Calls about the server itself."""

from typing import Any
from uuid import UUID

from headrace.client._sync.base import Part
from headrace.wire import versions
from headrace.wire.errors import HeadraceError, ServiceError


class AdminCalls(Part):
    """Is it there, and which one is it?"""

    def api_healthcheck(self) -> Exception | None:
        """None if the API answers, else what went wrong."""
        try:
            self._call("GET", "/health", bool)
        except HeadraceError as error:
            return error
        return None

    def hello(self) -> str:
        """A greeting, to see that requests and answers get through."""
        return self._call("GET", "/hello", str)

    def api_version(self) -> str:
        """The release whose contract the server speaks, such as "3.8.8"."""
        return self._call("GET", "/admin/version", str)

    def read_server_settings(self) -> dict[str, Any]:
        """The server's settings; secrets are masked."""
        return self._call("GET", "/admin/settings", dict[str, Any])

    def read_server_default_result_storage(self) -> dict[str, Any]:
        """The storage that the server proposes for results."""
        return self._call("GET", "/admin/storage", dict[str, Any])

    def update_server_default_result_storage(self, block_document_id: UUID) -> dict[str, Any]:
        """Propose the storage of a block for results. Raises `ObjectNotFound` and `Unprocessable`."""
        body = {"default_result_storage_block_id": block_document_id}
        return self._call("PUT", "/admin/storage", dict[str, Any], body=body)

    def clear_server_default_result_storage(self) -> None:
        """Propose no storage for results."""
        self._tell("DELETE", "/admin/storage")

    def raise_for_api_version_mismatch(self) -> None:
        """Raise `ServiceError` if the server speaks another major version than this client."""
        theirs = self.api_version()
        if theirs.partition(".")[0] != versions.CONTRACT.partition(".")[0]:
            raise ServiceError(
                f"The API at {self._transport.where} speaks version {theirs}, this client {versions.CONTRACT}. "
                "Install the release of headrace that the server runs."
            )
