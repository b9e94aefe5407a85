"""What `serve` says when it starts: what it serves, and how a run is asked for."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from headrace.sdk.deploying.telling import in_words

if TYPE_CHECKING:
    from headrace.sdk.runner_deployment import RunnerDeployment


def starting_message(deployments: Sequence[RunnerDeployment], url: str) -> str:
    """The whole message, several lines."""
    names = [deployment.full_name for deployment in deployments]
    width = max(map(len, names))
    lines = [f"  {deployment.full_name.ljust(width)}   {_when(deployment)}".rstrip() for deployment in deployments]
    what = "this deployment" if len(names) == 1 else f"{len(names)} deployments"
    return "\n".join(
        [
            f"Serving {what} of {url}:",
            "",
            *lines,
            "",
            f"Start a run with: headrace deployment run {shlex.quote(names[0])}",
            "Ctrl-C stops serving once the runs under way have ended; pressed again, it ends them.",
            "",
        ]
    )


def _when(deployment: RunnerDeployment) -> str:
    if deployment.paused:
        return "paused"
    active = [in_words(each.schedule) for each in deployment.schedules if each.active is not False]
    return ", ".join(active) or "when asked to"
