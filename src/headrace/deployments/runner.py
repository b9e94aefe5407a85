"""A deployment as code describes it."""

from headrace.sdk.runner_deployment import RunnerDeployment

__all__ = ["RunnerDeployment"]
