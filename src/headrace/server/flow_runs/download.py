"""The log lines of a flow run as a file (contract §3, `logs/download`)."""

import csv
import io
from collections.abc import AsyncIterator
from urllib.parse import quote
from uuid import UUID

from headrace.server.logs import service as logs
from headrace.server.store.base import Store

_COLUMNS = ("timestamp", "level", "flow_run_id", "task_run_id", "message")


async def lines_as_csv(store: Store, flow_run_id: UUID) -> AsyncIterator[bytes]:
    """The lines in order, as CSV with a heading, a batch at a time."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    async for lines in logs.lines_of(store, flow_run_id):
        yield _taken(text)
        writer.writerows(
            (line.timestamp, line.level, line.flow_run_id, line.task_run_id, line.message) for line in lines
        )
    yield _taken(text)


def disposition(run_name: str) -> str:
    """The header that names the file after the run; clients that read ASCII only see a plain name."""
    return f"attachment; filename=\"flow-run-logs.csv\"; filename*=UTF-8''{quote(run_name, safe='')}-logs.csv"


def _taken(text: io.StringIO) -> bytes:
    written = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return written
