"""Serving flows: executing the runs of their deployments in this process's children."""

from headrace.sdk.serving.runner import Runner
from headrace.sdk.serving.serve import aserve, serve

__all__ = ["Runner", "aserve", "serve"]
