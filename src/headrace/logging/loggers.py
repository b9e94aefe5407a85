"""Loggers of runs, also of runs that the caller names."""

from headrace.sdk.logs import disable_run_logger, flow_run_logger, get_logger, get_run_logger, task_run_logger

__all__ = ["disable_run_logger", "flow_run_logger", "get_logger", "get_run_logger", "task_run_logger"]
