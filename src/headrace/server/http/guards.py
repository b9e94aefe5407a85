"""What a request must pass before its handler runs: API version, basic authentication, CSRF (contract §1)."""

import base64
import hmac
from collections.abc import Mapping

from headrace.server.context import parse_version
from headrace.server.http import csrf
from headrace.settings import Settings
from headrace.wire import versions
from headrace.wire.errors import BadRequest, Forbidden, Unauthorized
from headrace.wire.times import now

_OPEN = frozenset({"/health", "/ready"})
_CLOSED_PAGES = frozenset({"/metrics"})
_UNVERSIONED = frozenset({"/health", "/ready", "/version", "/hello", "/admin/version", "/csrf-token"})
_CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_CURRENT = versions.API.encode()


class Guards:
    """The checks that the settings ask for, made ready once."""

    def __init__(self, settings: Settings) -> None:
        auth_string = settings.server.api.auth_string
        self._settings = settings
        self._credentials = None if auth_string is None else base64.b64encode(auth_string.encode())
        self._csrf = settings.server.api.csrf_protection_enabled

    def check(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> None:
        """Raise the error of the first check that fails; `path` starts below the base path."""
        if self._credentials is not None and path not in _OPEN and not self.authorized(headers):
            raise Unauthorized("Unauthorized")
        version = headers.get(b"x-prefect-api-version")
        if version is not None and version != _CURRENT and path not in _UNVERSIONED:
            _check_version(version.decode("latin-1"))
        if self._csrf and method in _CHANGES:
            self._check_csrf(headers)

    def check_page(self, path: str, headers: Mapping[bytes, bytes]) -> None:
        """The same for what is served beside the API, all of which is open but what tells of the runs."""
        if self._credentials is not None and path in _CLOSED_PAGES and not self.authorized(headers):
            raise Unauthorized("Unauthorized")

    def authorized(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether the headers carry the server's credentials; always, if it has none."""
        if self._credentials is None:
            return True
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        return scheme.lower() == b"basic" and hmac.compare_digest(given.strip(), self._credentials)

    def _check_csrf(self, headers: Mapping[bytes, bytes]) -> None:
        token, client = headers.get(b"prefect-csrf-token"), headers.get(b"prefect-csrf-client")
        if token is None:
            raise Forbidden("Missing CSRF token.")
        if client is None:
            raise Forbidden("Missing client identifier.")
        if not csrf.valid(self._settings, token.decode("latin-1"), client.decode("latin-1"), now()):
            raise Forbidden("Invalid CSRF token or client identifier.")


def _check_version(given: str) -> None:
    version = parse_version(given)
    if version is None:
        raise BadRequest(
            f"Invalid X-PREFECT-API-VERSION header format. Expected header in format 'x.y.z' but received {given[:100]}"
        )
    if version < versions.LEAST_API:
        least = ".".join(map(str, versions.LEAST_API))
        raise BadRequest(
            f"The request specified API version {given} but this server requires version {least} or higher."
        )
