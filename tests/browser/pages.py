"""The built web UI that comes in Prefect's package, served as its own server serves it, over an API of ours."""

import mimetypes
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PLACEHOLDER = b"/PREFECT_UI_SERVE_BASE_REPLACE_PLACEHOLDER"
"""Stands in the built files for the path that the UI is served below."""


def built_ui(name: str) -> Path:
    """The folder of the build called so: `ui` or `ui-v2`."""
    found = list(ROOT.glob(f".peer/lib/python*/site-packages/prefect/server/{name}/index.html"))
    assert found, f"There is no {name} in .peer: run `make peer`."
    return found[0].parent


@contextmanager
def serving_pages(folder: Path, api_url: str) -> Iterator[str]:
    """Serve the files, and the UI's settings as our server gives them, until the block ends; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/ui-settings":
                with urllib.request.urlopen(api_url.removesuffix("/api") + path, timeout=10) as answer:
                    self._send(answer.read(), "application/json")
                return
            file = folder / path.lstrip("/")
            if not file.is_file():
                file = folder / "index.html"  # The addresses of pages are known to the UI alone.
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            self._send(file.read_bytes().replace(_PLACEHOLDER, b""), kind)

        def _send(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
