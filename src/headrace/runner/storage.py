"""Where the code of flows is kept, for `flow.from_source`."""

from headrace.sdk.sources import GitRepository
from headrace.sdk.sources import LocalFolder as LocalStorage

__all__ = ["GitRepository", "LocalStorage"]
