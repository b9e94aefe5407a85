"""What happens in a run's own process before its flow is loaded: the pull steps of its deployment."""

from __future__ import annotations

import os
from pathlib import Path

from headrace.sdk.steps.running import Tell, run_steps
from headrace.wire.deploying_errors import StepFailed
from headrace.wire.deployments import Deployment


def prepare(deployment: Deployment, tell: Tell = lambda _: None) -> Path:
    """Bring a deployment's code here and go to its folder, from which the entrypoint's path starts.

    That is where the pull steps lead, else the deployment's own path, else where this process is. `tell`
    hears of each step that is done. Raises `StepFailed`.
    """
    if deployment.pull_steps:
        outputs = run_steps(deployment.pull_steps, tell=tell)
        if isinstance(directory := outputs.get("directory"), str):
            os.chdir(directory)
    elif deployment.path:
        folder = Path(deployment.path).expanduser()
        if not folder.is_dir():
            raise StepFailed(
                f"The code of the deployment {deployment.name} is in {folder.absolute()}, and this machine has no "
                "such folder: run it where it was deployed from, or deploy it with pull steps."
            )
        os.chdir(folder)
    return Path.cwd()
