"""Loggers of runs."""

from headrace.sdk.logs import get_logger, get_run_logger

__all__ = ["get_logger", "get_run_logger"]
