"""The step that installs what a flow needs."""

import importlib
import importlib.util
import shutil
import sys
from pathlib import Path

from headrace.sdk.steps.shell import run_command
from headrace.wire.deploying_errors import StepFailed


def pip_install_requirements(
    directory: str | None = None, requirements_file: str = "requirements.txt", stream_output: bool = True
) -> dict[str, str]:
    """Install a file of requirements, which lies in `directory`, into the environment of this process."""
    file = Path(directory or ".") / requirements_file
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file.absolute()}")
    out, err = run_command([*_installer(), "-r", requirements_file], directory=directory, show=stream_output)
    importlib.invalidate_caches()
    return {"stdout": out.strip(), "stderr": err.strip()}


def _installer() -> list[str]:
    """The command that installs: pip where this environment has it, else uv."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install"]
    if (uv := shutil.which("uv")) is not None:
        return [uv, "pip", "install", "--python", sys.executable]
    raise StepFailed("neither pip nor uv is installed here: install one of them into the worker's environment")
