"""The file in which a running local server says where it is (`Settings.server_path`)."""

import os
from pathlib import Path

import msgspec


class Announcement(msgspec.Struct, frozen=True):
    """A running server: its process, where its API is, and which database it serves since when (RFC 3339)."""

    pid: int
    url: str
    database: str
    started: str = ""

    @property
    def is_alive(self) -> bool:
        """Whether a process of that id runs and is ours to ask."""
        try:
            os.kill(self.pid, 0)
        except (OSError, OverflowError):
            return False
        return True


def read(path: Path) -> Announcement | None:
    """What the file says, or None if there is none or it cannot be understood."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Announcement)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
