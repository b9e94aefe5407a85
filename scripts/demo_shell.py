"""How the demo shows what a user would type."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
HEADRACE = str(Path(sys.executable).with_name("headrace"))
PATIENCE = 30.0
"""Seconds after which what is waited for counts as gone wrong."""


class WentWrong(Exception):
    """What was to be shown did not happen."""


def headrace(console: Console, *words: str) -> None:
    """Run a command as a user would, its output indented."""
    console.print(f"[bold cyan]$ headrace {' '.join(words)}[/]")
    done = subprocess.run([HEADRACE, *words], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    for line in (done.stdout + done.stderr).splitlines():
        console.print(Text(f"  {line}", style="dim"), soft_wrap=True)
    if done.returncode:
        raise WentWrong(f"headrace {words[0]} ended with {done.returncode}.")


def until(done: Callable[[], object], what: str) -> None:
    """Wait for it; raises `WentWrong` when it does not come."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise WentWrong(f"It took longer than {PATIENCE:g} s until {what}.")
        time.sleep(0.05)
