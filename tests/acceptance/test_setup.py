"""Setting up says in one line what is missing on the machine, and what to run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """As much of a clone as the script reads before it installs anything."""
    for name in ("scripts/setup.sh", "requirements/dev.txt", "pyproject.toml"):
        copy = tmp_path / name
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, copy)
    return tmp_path


def program(folder: Path, name: str, script: str) -> Path:
    """A program that stands in for another one on the path."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def set_up(clone: Path, *first_on_path: Path, python: str | Path) -> "subprocess.CompletedProcess[str]":
    path = os.pathsep.join([*map(str, first_on_path), os.environ["PATH"]])
    return subprocess.run(
        [clone / "scripts" / "setup.sh"],
        env=os.environ | {"PYTHON": str(python), "PATH": path},
        capture_output=True,
        text=True,
    )


def test_a_machine_without_python_is_told_to_install_it(clone: Path) -> None:
    answer = set_up(clone, python="no-such-python")
    assert answer.returncode == 1
    assert answer.stderr.startswith("setup: there is no no-such-python: install Python 3.11 or newer")


def test_an_old_python_is_named(clone: Path) -> None:
    old = program(clone, "old-python", 'case "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac')
    answer = set_up(clone, python=old)
    assert answer.returncode == 1
    assert answer.stderr.startswith("setup: Python 3.9.2 is too old")


def test_without_ensurepip_a_user_is_told_the_command(clone: Path) -> None:
    """As on Debian and Ubuntu, where python3 comes without the package that `venv` needs."""
    python = program(clone, "bare", f'case "$*" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"')
    program(clone, "id", "echo 1000")
    answer = set_up(clone, clone, python=python)
    assert answer.returncode == 1
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert answer.stderr.rstrip().endswith(f"run: sudo apt-get install python{version}-venv")
    assert not (clone / ".venv").exists()


def test_root_installs_the_missing_package(clone: Path) -> None:
    python = program(clone, "bare", f'case "$*" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"')
    program(clone, "id", "echo 0")
    program(clone, "apt-get", f'echo "$@" >> {clone}/asked; case "$*" in *install*) exit 100;; esac')
    answer = set_up(clone, clone, python=python)
    asked = (clone / "asked").read_text().splitlines()
    assert asked[0].startswith("update")
    assert asked[1].startswith("install")
    assert asked[1].endswith("-venv")
    assert answer.returncode == 1
    assert "apt-get could not install python" in answer.stderr
