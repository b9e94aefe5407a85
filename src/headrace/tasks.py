"""Tasks: the decorator and what it makes."""

from headrace.sdk.task import Task, task

__all__ = ["Task", "task"]
