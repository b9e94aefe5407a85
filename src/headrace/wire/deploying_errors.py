"""Errors of deploying: of entrypoints, of the files that describe deployments, and of the steps around them."""

from headrace.wire.errors import RunError


class EntrypointError(RunError):
    """The flow that an entrypoint names cannot be loaded."""

    code = "bad_entrypoint"


class UnknownReference(RunError):
    """A template refers to a variable, a block or an output that does not exist."""

    code = "unknown_reference"


class StepFailed(RunError):
    """A step before a flow, such as cloning its code, did not succeed."""

    code = "step_failed"


class DeploymentError(RunError):
    """A deployment cannot be made as it is described; the message names where it is described."""

    code = "bad_deployment"
