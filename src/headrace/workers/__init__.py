"""Workers: processes that poll a work pool and execute its runs, each type in its own kind of infrastructure."""

from headrace.workers.base import BaseWorker
from headrace.workers.process import ProcessWorker

__all__ = ["BaseWorker", "ProcessWorker"]
