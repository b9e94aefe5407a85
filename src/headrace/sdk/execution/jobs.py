"""What to start for a flow run: a command, its environment and its folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from headrace.sdk.execution.child import CLAIM, PEERS_RUN_ID, RUN_ID
from headrace.sdk.execution.processes import own_command
from headrace.settings import current
from headrace.settings.environment import to_environment
from headrace.wire.flow_runs import FlowRun


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """How one run is executed here; `environment` goes over that of this process.

    A `temporary` folder is made for the run and removed when it has ended.
    """

    command: list[str]
    environment: Mapping[str, str] = {}
    folder: Path | None = None
    temporary: bool = False
    stream_output: bool = True


def own_job(run: FlowRun) -> Job:
    """A run executed by this interpreter, with the settings of this process."""
    return Job(command=own_command("headrace.flow_engine"))


def environment_of(job: Job, run: FlowRun, claim: str) -> dict[str, str]:
    """All the variables of a run's process."""
    identity = {RUN_ID: str(run.id), PEERS_RUN_ID: str(run.id), CLAIM: claim}
    return {**os.environ, **to_environment(current()), **job.environment, **identity, "PYTHONUNBUFFERED": "1"}
