"""Deployments: flows with where, how and when they run."""

from headrace.sdk.deploying.deploy import deploy
from headrace.sdk.deployments import arun_deployment, run_deployment
from headrace.sdk.runner_deployment import EntrypointType, RunnerDeployment

__all__ = ["EntrypointType", "RunnerDeployment", "arun_deployment", "deploy", "run_deployment"]
