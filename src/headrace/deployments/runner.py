"""A deployment as code describes it."""

from headrace.sdk.deploying.deploy import deploy
from headrace.sdk.runner_deployment import EntrypointType, RunnerDeployment

__all__ = ["EntrypointType", "RunnerDeployment", "deploy"]
