"""Loggers of runs, also of runs that the caller names."""

from headrace.sdk.logs import flow_run_logger, get_logger, get_run_logger, task_run_logger

__all__ = ["flow_run_logger", "get_logger", "get_run_logger", "task_run_logger"]
