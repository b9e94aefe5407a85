"""The server's log: one structured line an entry, JSON for machines or aligned text for people.

Modules of the server log through the standard library, with their facts in `extra`; structlog only renders,
and is loaded when there is a first line to render: a server with nothing to say starts without it.
"""

import logging
import sys
from functools import cached_property
from typing import TYPE_CHECKING

from headrace.settings import Settings

if TYPE_CHECKING:
    from structlog.typing import Processor


def configure(settings: Settings) -> None:
    """Send every logger's lines to standard error in the form that the settings name."""
    terminal = sys.stderr.isatty()
    wanted = settings.logging.server_format
    console = wanted == "console" or (wanted == "auto" and terminal)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Structured(console, colors=settings.logging.colors and terminal))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.logging.server_level)


class _Structured(logging.Formatter):
    def __init__(self, console: bool, colors: bool) -> None:
        super().__init__()
        self._console, self._colors = console, colors

    def format(self, record: logging.LogRecord) -> str:
        return self._renderer.format(record)

    @cached_property
    def _renderer(self) -> logging.Formatter:
        import structlog

        common: list[Processor] = [
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ]
        last: list[Processor]
        if self._console:
            plain = structlog.dev.plain_traceback
            last = [structlog.dev.ConsoleRenderer(colors=self._colors, exception_formatter=plain)]
        else:
            last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
        remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
        return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=common, processors=[remove_meta, *last])
