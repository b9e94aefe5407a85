"""The worker that executes runs in processes of its own machine."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from headrace.sdk.execution.jobs import Job
from headrace.sdk.execution.processes import own_command
from headrace.wire.flow_runs import FlowRun
from headrace.workers.base import BaseWorker, ConfigurationError

_NAMED = {"type": "string"}
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}


class ProcessWorker(BaseWorker):
    """Starts each run in a process, in a session of its own; see `sdk.execution` for how it is seen to its end."""

    type = "process"
    description = "Runs each flow run in a process of the worker's machine."
    default_template = {
        "job_configuration": {
            "command": "{{ command }}",
            "env": "{{ env }}",
            "labels": "{{ labels }}",
            "name": "{{ name }}",
            "stream_output": "{{ stream_output }}",
            "working_dir": "{{ working_dir }}",
        },
        "variables": {
            "type": "object",
            "properties": {
                "name": {"title": "Name", "description": "The name of the run's process.", **_NAMED},
                "env": {
                    "title": "Environment Variables",
                    "description": "Environment variables of the run.",
                    **_TEXTS,
                },
                "labels": {"title": "Labels", "description": "Labels of the run's process.", **_TEXTS},
                "command": {
                    "title": "Command",
                    "description": "The command that starts the run; by default the one of the worker.",
                    **_NAMED,
                },
                "stream_output": {
                    "title": "Stream Output",
                    "description": "Whether the output of the run is written to the worker's own.",
                    "type": "boolean",
                    "default": True,
                },
                "working_dir": {
                    "title": "Working Directory",
                    "description": "The folder that the run starts in; by default a new temporary one.",
                    "type": "string",
                    "format": "path",
                },
            },
        },
    }

    async def job(self, run: FlowRun, configuration: Mapping[str, Any]) -> Job:
        """The process of a run, as its job configuration describes it. Raises `ConfigurationError`."""
        folder = _folder(configuration.get("working_dir"))
        return Job(
            command=_command(configuration.get("command")),
            environment=_texts(configuration.get("env")),
            folder=folder,
            temporary=folder is None,
            stream_output=configuration.get("stream_output", True) is not False,
        )


def _folder(given: Any) -> Path | None:
    if given is None:
        return None
    folder = Path(str(given)).expanduser()
    if not folder.is_dir():
        raise ConfigurationError(
            f"The working_dir of the job is {folder}, and this machine has no such folder: make it, or correct the job "
            "variables of the deployment or its work pool."
        )
    return folder


def _command(given: Any) -> list[str]:
    if not given:
        return own_command("headrace.flow_engine")
    words = [str(word) for word in cast("list[Any]", given)] if isinstance(given, list) else shlex.split(str(given))
    # `python` is the interpreter of the worker, wherever the search path would lead.
    return [sys.executable, *words[1:]] if words[:1] == ["python"] else words


def _texts(given: Any) -> dict[str, str]:
    if not isinstance(given, Mapping):
        return {}
    return {str(name): str(value) for name, value in cast("Mapping[Any, Any]", given).items() if value is not None}
