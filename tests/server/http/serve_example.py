"""Serves the real routes and the example's over the real store, as a process: `python -m … DRAIN_SECONDS`."""

import sys

from headrace.server import __main__, process
from headrace.server.app import Server
from headrace.server.http.routes import ROUTERS
from headrace.server.store import make_store
from headrace.settings import Settings
from tests.server.http.example import router


def make_server(settings: Settings) -> Server:
    return Server(settings, make_store(settings), [*ROUTERS, router])


if __name__ == "__main__":
    process.make_server = make_server
    process.DRAIN_SECONDS = int(sys.argv[1])
    sys.exit(__main__.main())
