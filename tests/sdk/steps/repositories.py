"""Real git repositories in temporary folders."""

import subprocess
from pathlib import Path


def git(folder: Path, *words: str) -> str:
    """What git printed in a folder."""
    identity = ["-c", "user.name=miller", "-c", "user.email=miller@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, file: str, content: str) -> str:
    """Commit a file with that content; the commit's id."""
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", f"change {file}")
    return git(folder, "rev-parse", "HEAD")


def repository(folder: Path) -> Path:
    """A repository with one commit on the branch main."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "flow.py", "VALUE = 1\n")
    return folder
