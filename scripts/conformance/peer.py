"""The peer's own OpenAPI document, asked of the Prefect that is installed in .peer."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from scripts.conformance.schemas import Document

_ENVIRONMENT = Path(__file__).parents[2] / ".peer"
_CACHE = _ENVIRONMENT / "openapi.json"
_QUESTION = """
import json, sys
from prefect.server.api.server import create_app
json.dump(create_app().openapi(), sys.stdout)
"""


class PeerMissing(Exception):
    """The peer cannot be asked; the message says what to do."""


def peer_document() -> Document:
    """The document, with paths below the API's base path. Kept in .peer, which is made anew for a new version."""
    if not _CACHE.exists():
        _CACHE.write_text(_ask())
    return json.loads(_CACHE.read_text())


def _ask() -> str:
    python = _ENVIRONMENT / "bin" / "python"
    if not python.exists():
        raise PeerMissing("Prefect is not installed in .peer: run `make peer`.")
    with tempfile.TemporaryDirectory() as home:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        environ |= {"PREFECT_HOME": home, "DO_NOT_TRACK": "1"}
        done = subprocess.run([python, "-c", _QUESTION], env=environ, capture_output=True, text=True)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["it printed nothing"]
        raise PeerMissing(f"The Prefect in .peer did not give its OpenAPI document: {last[0]}")
    return done.stdout
