"""The step that runs commands."""

from __future__ import annotations

import os
import shlex
import string
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TextIO

from headrace.wire.deploying_errors import StepFailed

_TOLD = 2000
"""The characters of a failed command's output that its error repeats, from the end."""


def run_shell_script(
    script: str,
    directory: str | None = None,
    env: Mapping[str, str] | None = None,
    stream_output: bool = True,
    expand_env_vars: bool = False,
) -> dict[str, str]:
    """Run each line of a script as a command, until one fails; what they printed are `stdout` and `stderr`.

    No shell is between: a line that needs one says so, `bash -c "a | b"`. With `expand_env_vars`, `$NAME` in a line
    is replaced, also by what `env` adds. The output is shown as it comes unless `stream_output` is off.
    """
    environment = {**os.environ, **{name: str(value) for name, value in (env or {}).items()}}
    printed: list[str] = []
    complained: list[str] = []
    for line in script.replace("\\\n", " ").splitlines():
        if expand_env_vars:
            line = string.Template(line).safe_substitute(environment)
        words = shlex.split(line, comments=True)
        if words:
            out, err = run_command(words, directory=directory, environment=environment, show=stream_output)
            printed.append(out)
            complained.append(err)
    return {"stdout": "".join(printed).strip(), "stderr": "".join(complained).strip()}


def run_command(
    words: Sequence[str],
    *,
    directory: str | Path | None = None,
    environment: Mapping[str, str] | None = None,
    show: bool = False,
    hidden: Sequence[str] = (),
) -> tuple[str, str]:
    """What a command printed to its two outputs. Raises `StepFailed` with the end of them, without what is `hidden`."""
    shown = _scrubbed(shlex.join(words), hidden)
    try:
        process = subprocess.Popen(
            list(words),
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise StepFailed(f"the command `{shown}` cannot be run: {error.strerror or error}") from error
    out, err = (
        _Reading(process.stdout, sys.stdout if show else None),
        _Reading(process.stderr, sys.stderr if show else None),
    )
    with process:
        out.start()
        err.start()
        out.join()
        err.join()
        code = process.wait()
    if code:
        said = _scrubbed((out.text + err.text).strip(), hidden)[-_TOLD:]
        ended = f"exited with code {code}" if code > 0 else f"was ended by signal {-code}"
        raise StepFailed(f"the command `{shown}` {ended}{': ' + said if said else ' and printed nothing'}")
    return out.text, err.text


class _Reading(threading.Thread):
    """Collects what a process prints, and shows it meanwhile."""

    def __init__(self, source: IO[str] | None, shown: TextIO | None) -> None:
        super().__init__(daemon=True)
        assert source is not None
        self._source, self._shown = source, shown
        self._lines: list[str] = []

    def run(self) -> None:
        """Until the process closes its end."""
        for line in self._source:
            self._lines.append(line)
            if self._shown is not None:
                self._shown.write(line)
                self._shown.flush()

    @property
    def text(self) -> str:
        return "".join(self._lines)


def _scrubbed(text: str, hidden: Sequence[str]) -> str:
    for secret in hidden:
        text = text.replace(secret, "****")
    return text
