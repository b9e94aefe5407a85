"""`get_client`: the typed client of the API that the settings name.

>>> from headrace.client.orchestration import get_client
>>> async with get_client() as client:
...     runs = await client.read_flow_runs(limit=5)
>>> with get_client(sync_client=True) as client:
...     client.hello()
'👋'
"""

from typing import Literal, overload

from headrace.client._async.client import HeadraceClient
from headrace.client._sync.client import SyncHeadraceClient
from headrace.client.connection import connect

__all__ = ["HeadraceClient", "SyncHeadraceClient", "get_client"]


@overload
def get_client(sync_client: Literal[False] = False) -> HeadraceClient: ...


@overload
def get_client(sync_client: Literal[True]) -> SyncHeadraceClient: ...


def get_client(sync_client: bool = False) -> HeadraceClient | SyncHeadraceClient:
    """A client for use in `async with`, or with `sync_client=True` in `with`.

    Without an API URL it reads and writes this machine's own recording. Clients of one process share
    their connection, so making one costs next to nothing.
    """
    connection = connect()
    return connection.sync if sync_client else connection.asynchronous
