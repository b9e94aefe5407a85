"""How those that do the work are doing."""

from enum import StrEnum


class WorkerStatus(StrEnum):
    """ONLINE: heard of within three of its heartbeat intervals."""

    ONLINE = "ONLINE"
    OFFLINE = "OFFLINE"
