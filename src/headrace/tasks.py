"""Tasks: the decorator and what it makes."""

from headrace.sdk.caching import task_input_hash
from headrace.sdk.retries import exponential_backoff
from headrace.sdk.task import Task, task

__all__ = ["Task", "exponential_backoff", "task", "task_input_hash"]
