"""Calls from browsers of other origins: preflight answers and the headers that let a page read the rest."""

from collections.abc import Mapping

from headrace.server.http.routing import Answer
from headrace.settings import ServerAPISettings

_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
_MAX_AGE_SECONDS = "600"


class CrossOrigin:
    """The origins, methods and headers that the settings allow; `*` allows all."""

    def __init__(self, settings: ServerAPISettings) -> None:
        self._origins = frozenset(_listed(settings.cors_allowed_origins))
        methods = _listed(settings.cors_allowed_methods)
        self._methods = _METHODS if "*" in methods else ", ".join(methods)
        headers = _listed(settings.cors_allowed_headers)
        self._headers = None if "*" in headers else ", ".join(headers)

    def headers(self, origin: str) -> dict[str, str]:
        """What to add to an answer to this origin; nothing if it is not allowed."""
        if "*" in self._origins:
            return {"Access-Control-Allow-Origin": "*"}
        if origin in self._origins:
            return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
        return {}

    def preflight(self, origin: str, headers: Mapping[bytes, bytes]) -> Answer:
        """The answer to the OPTIONS request that a browser sends ahead."""
        allowed = self.headers(origin)
        if not allowed:
            return Answer(400, b"Disallowed CORS origin", "text/plain; charset=utf-8")
        asked = headers.get(b"access-control-request-headers", b"").decode("latin-1")
        allowed |= {
            "Access-Control-Allow-Methods": self._methods,
            "Access-Control-Allow-Headers": asked if self._headers is None else self._headers,
            "Access-Control-Max-Age": _MAX_AGE_SECONDS,
        }
        return Answer(200, b"OK", "text/plain; charset=utf-8", allowed)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
