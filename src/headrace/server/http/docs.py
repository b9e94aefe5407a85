"""The API described for programs (`/openapi.json`) and for people (`/docs`), without the internet."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from headrace.server.context import Context
from headrace.server.http.routing import Operation, Reply, Router

_PAGE = Path(__file__).with_name("docs.html")
_HTML = "text/html; charset=utf-8"
_POLICY = "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def docs_router(operations: Sequence[Operation], base_path: str) -> Router:
    """The two routes, describing these operations; the document is made when it is first asked for."""
    router = Router(tag="Root")

    @cache
    def document() -> bytes:
        from headrace.server.http import openapi
        from headrace.wire.base import encode

        return encode(openapi.document(operations, base_path))

    @router.get("/openapi.json")
    async def read_openapi(ctx: Context) -> Reply[bytes]:  # pyright: ignore[reportUnusedFunction]
        """The API as an OpenAPI 3.1 document."""
        return Reply(document(), media_type="application/json; charset=utf-8")

    @router.get("/docs")
    async def read_docs(ctx: Context) -> Reply[bytes]:  # pyright: ignore[reportUnusedFunction]
        """The API as a page to read."""
        return Reply(_PAGE.read_bytes(), media_type=_HTML, headers={"Content-Security-Policy": _POLICY})

    return router
