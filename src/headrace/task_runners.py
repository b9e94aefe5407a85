"""Where submitted tasks run."""

from headrace.sdk.runners.base import TaskRunner
from headrace.sdk.runners.threads import ThreadPoolTaskRunner

ConcurrentTaskRunner = ThreadPoolTaskRunner

__all__ = ["ConcurrentTaskRunner", "TaskRunner", "ThreadPoolTaskRunner"]
