"""Making the deployments of a file: first all is built and checked, then pushed, then written."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from headrace.sdk.deploying.describing import Described, Describer, with_outputs
from headrace.sdk.deploying.putting import Put
from headrace.sdk.runner_deployment import RunnerDeployment, apply_to
from headrace.sdk.steps.running import run_steps
from headrace.wire.base import encode_text

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient
    from headrace.sdk.deploying.documents import Document

Tell = Callable[[RunnerDeployment, Put], None]


def make_all(
    api: SyncHeadraceClient, document: Document, described: Sequence[Described], describer: Describer, tell: Tell
) -> list[Put]:
    """Make the deployments and tell of each; nothing is pushed or written if `describer` then has faults.

    Steps run in the folder of the file, and what they print goes to stderr. Steps that several deployments share run
    once. Raises `StepFailed`.
    """
    done = _Steps()
    with contextlib.chdir(document.folder), contextlib.redirect_stdout(sys.stderr):
        built: list[tuple[Described, RunnerDeployment, dict[str, Any]]] = []
        for each in described:
            outputs = done.run(each.build, "build", {})
            deployment = with_outputs(each.deployment, outputs)
            describer.check(deployment, each.label)
            built.append((each, deployment, outputs))
        if describer.faults:
            return []
        pushed = [with_outputs(deployment, done.run(each.push, "push", outputs)) for each, deployment, outputs in built]
    made: list[Put] = []
    for deployment in pushed:
        made.append(apply_to(api, deployment))
        tell(deployment, made[-1])
    return made


class _Steps:
    """Runs lists of steps, each list once for the same outputs before it."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Any]] = {}

    def run(self, steps: Sequence[Any], phase: str, outputs: dict[str, Any]) -> dict[str, Any]:
        if not steps:
            return outputs
        key = encode_text([phase, list(steps), outputs])
        if key not in self._known:
            self._known[key] = run_steps(steps, phase, outputs)
        return self._known[key]
