"""The server's log: one structured line an entry, JSON for machines or aligned text for people.

Modules of the server log through the standard library, with their facts in `extra`; structlog only renders.
"""

import logging
import sys

import structlog

from headrace.settings import Settings


def configure(settings: Settings) -> None:
    """Send every logger's lines to standard error in the form that the settings name."""
    wanted = settings.logging.server_format
    console = wanted == "console" or (wanted == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(console, colors=settings.logging.colors and sys.stderr.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.logging.server_level)


def _formatter(console: bool, colors: bool) -> logging.Formatter:
    common: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.typing.Processor]
    if console:
        plain = structlog.dev.plain_traceback
        last = [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]
    else:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=common, processors=[remove_meta, *last])
