"""Runs of deployments."""

from headrace.sdk.deployments import arun_deployment, run_deployment

__all__ = ["arun_deployment", "run_deployment"]
