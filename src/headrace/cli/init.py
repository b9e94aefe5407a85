"""`headrace init`."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from headrace.cli.errors import CommandFailed
from headrace.cli.output import tell
from headrace.sdk.deploying.outlines import flows_in

_FILE = "headrace.yaml"
_MOST_FILES = 1000
"""Files that are looked at for flows; a folder with more is no project."""
_PASSED_BY = frozenset({"__pycache__", "build", "dist", "node_modules", "site-packages", "tests", "venv"})

_HEAD = """\
# The deployments of this project; `headrace deploy --all` makes them.
name: {project}

# Before a run's flow is loaded. Without it, runs are executed in the folder of this file.
# pull:
#   - git_clone:
#       repository: https://example.com/acme/{project}.git
#       branch: main

deployments:
"""
_ENTRY = """\
  - name: {name}
    entrypoint: {entrypoint}
    # parameters: {{}}
    # schedules:
    #   - cron: 0 3 * * *
    #     timezone: UTC
    work_pool:
      name: {pool}
"""


def init(*, pool: Annotated[str, Parameter(alias="-p")] = "default", force: bool = False) -> None:
    """Write a headrace.yaml that deploys the flows of this folder, to be filled in.

    Try:

        headrace init --pool mill

    Args:
        pool: The work pool of the deployments.
        force: Write it also over one that is there.
    """
    file = Path(_FILE)
    if file.exists() and not force:
        raise CommandFailed(f"There is a {_FILE} already; --force writes over it.")
    found = list(_flows(Path.cwd()))
    entries = [
        _ENTRY.format(name=function.replace("_", "-"), entrypoint=f"{place}:{function}", pool=pool)
        for place, function in found
    ] or ["  []\n"]
    try:
        file.write_text(_HEAD.format(project=Path.cwd().name) + "\n".join(entries), encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{_FILE} cannot be written: {error.strerror}") from None
    what = f"{len(found)} flow{'s' if len(found) > 1 else ''}" if found else "no flow, as there is none here yet"
    tell(f"{_FILE} describes {what}. Fill it in, then: headrace deploy --all")


def _flows(folder: Path) -> Iterator[tuple[str, str]]:
    """The files and names of functions that are decorated as flows, found without running anything."""
    for file in _python_files(folder):
        with contextlib.suppress(OSError, SyntaxError, ValueError):
            for function in flows_in(file.read_bytes()):
                yield str(file.relative_to(folder)), function.name


def _python_files(folder: Path) -> Iterator[Path]:
    looked_at = 0
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if each not in _PASSED_BY and not each.startswith("."))
        for name in sorted(files):
            if name.endswith(".py"):
                looked_at += 1
                if looked_at > _MOST_FILES:
                    return
                yield Path(parent, name)
