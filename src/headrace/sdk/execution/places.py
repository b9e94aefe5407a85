"""Which server runs are executed for: there must be one, and it stays the same while it comes and goes."""

import contextlib
from collections.abc import Generator

import msgspec

from headrace.client.connection import connect
from headrace.settings import Settings, current
from headrace.settings.context import use
from headrace.wire.execution_errors import ServerNeeded


@contextlib.contextmanager
def at_server() -> Generator[Settings]:
    """The settings with the API's URL in them for the length of a block. Raises `ServerNeeded`.

    A local server is found by its file, which goes when it stops; whoever executes runs waits for it to come back.
    """
    settings = current()
    if settings.api.url is None:
        where = connect(settings).where
        if not where.startswith(("http://", "https://")):
            raise ServerNeeded(
                "There is no server here, and without one no run becomes due: start it with `headrace server start`, "
                "or set HEADRACE_API_URL to the API of one that runs elsewhere."
            )
        auth = settings.api.auth_string or settings.server.api.auth_string
        api = msgspec.structs.replace(settings.api, url=where, auth_string=auth)
        settings = msgspec.structs.replace(settings, api=api)
    with use(settings):
        yield settings
