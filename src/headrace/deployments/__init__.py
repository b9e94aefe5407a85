"""Deployments: flows with where, how and when they run."""

from headrace.sdk.deployments import arun_deployment, run_deployment
from headrace.sdk.runner_deployment import RunnerDeployment

__all__ = ["RunnerDeployment", "arun_deployment", "run_deployment"]
