"""Telling this machine's other processes where the server of a home is (`settings.announcement`)."""

import os
from collections.abc import Generator
from contextlib import contextmanager

from headrace.settings import Settings
from headrace.settings.announcement import Announcement, read
from headrace.wire.base import encode
from headrace.wire.times import now


@contextmanager
def announced(settings: Settings, url: str) -> Generator[None]:
    """Name this process as the home's server for the length of the block.

    The file appears whole or not at all, is for its owner's eyes only, since a database URL may hold a
    password, and is left alone at the end if another server has taken it over.
    """
    path = settings.server_path
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    text = encode(Announcement(os.getpid(), url, settings.database_url, now().isoformat()))
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(text)
    draft.replace(path)
    try:
        yield
    finally:
        latest = read(path)
        if latest is not None and latest.pid == os.getpid():
            path.unlink(missing_ok=True)
