"""Processes that execute background tasks."""

from headrace.sdk.background.serving import aserve, serve
from headrace.sdk.background.worker import TaskWorker

__all__ = ["TaskWorker", "aserve", "serve"]
