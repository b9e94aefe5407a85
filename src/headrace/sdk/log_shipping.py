"""Log lines of runs on their way to the API."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from headrace.sdk.shipping import Shipper, Terms
from headrace.settings import LoggingSettings
from headrace.wire.logs import LogCreate

_CAPACITY = 100_000
_OVERHEAD = 250
"""Bytes of a line as JSON beyond its name and message, at most."""


class LogSink(Protocol):
    def create_logs(self, logs: Sequence[LogCreate]) -> None: ...


def log_shipper(sink: LogSink, settings: LoggingSettings) -> Shipper[LogCreate]:
    """A shipper of log lines; when the API is away for long, new lines are dropped rather than the run held up."""
    return Shipper(
        sink.create_logs,
        Terms(
            what="log lines",
            linger=settings.to_api_batch_interval,
            batch=settings.to_api_batch_size,
            capacity=_CAPACITY,
            patience=60.0,
            when_full="drop",
        ),
        weigh=lambda line: len(line.message) + len(line.name) + _OVERHEAD,
    )


def line_of(record: logging.LogRecord, message: str, most: int) -> LogCreate:
    """A log record as the API takes it; a message of more than `most` characters is cut."""
    if len(message) > most:
        message = message[:most] + "… [cut]"
    return LogCreate(
        name=record.name,
        level=record.levelno,
        message=message.replace("\0", "\\0"),
        timestamp=datetime.fromtimestamp(record.created, UTC),
        flow_run_id=_id(record, "flow_run_id"),
        task_run_id=_id(record, "task_run_id"),
    )


def _id(record: logging.LogRecord, name: str) -> UUID | None:
    given = getattr(record, name, None)
    return given if given is None or isinstance(given, UUID) else UUID(str(given))
