"""Which function a step is: one of ours by its name, or anybody's by its dotted path."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec

from headrace.wire.deploying_errors import DeploymentError, StepFailed

_OURS = {
    "git_clone": "headrace.sdk.steps.cloning",
    "pip_install_requirements": "headrace.sdk.steps.packages",
    "run_shell_script": "headrace.sdk.steps.shell",
    "set_working_directory": "headrace.sdk.steps.folders",
}
_HOMES = tuple(
    f"{owner}.deployments.steps{part}." for owner in ("headrace", "prefect") for part in ("", ".pull", ".utility")
)


class Step(msgspec.Struct, frozen=True):
    """A step as a document says it: `{name: {argument: value, id: …, requires: …}}`."""

    name: str
    arguments: dict[str, Any]
    id: str | None = None
    requires: tuple[str, ...] = ()

    @property
    def short_name(self) -> str:
        """The name without its modules, as people read it."""
        return self.name.rpartition(".")[2]


def read_step(given: Any) -> Step:
    """The step that a document describes. Raises `DeploymentError` saying what is wrong with it."""
    if not isinstance(given, Mapping) or len(cast("Mapping[Any, Any]", given)) != 1:
        raise DeploymentError("a step is one name with its arguments, such as {run_shell_script: {script: make}}")
    ((name, said),) = cast("Mapping[Any, Any]", given).items()
    if not isinstance(said, Mapping | None):
        raise DeploymentError(f"the arguments of the step {name} are no mapping")
    arguments: dict[str, Any] = {str(key): value for key, value in cast("Mapping[Any, Any]", said or {}).items()}
    id = arguments.pop("id", None)
    required: Any = arguments.pop("requires", None) or ()
    packages = (required,) if isinstance(required, str) else tuple(required)
    return Step(str(name), arguments, None if id is None else str(id), packages)


def find(step: Step) -> Callable[..., Any]:
    """The function of a step; what it `requires` is installed where it cannot be imported. Raises `StepFailed`."""
    if (home := _home_of(step.name)) is not None:
        return getattr(importlib.import_module(home), step.short_name)
    module_name, _, function_name = step.name.rpartition(".")
    if not module_name or step.name.startswith(_HOMES):
        raise StepFailed(
            f"there is no step {step.name}: it is one of {', '.join(_OURS)}, or the dotted path of a function"
        )
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        if not step.requires:
            raise StepFailed(f"{module_name} cannot be imported ({error}): install what it belongs to") from error
        _install(step.requires)
        module = _import_installed(module_name)
    function = getattr(module, function_name, None)
    if not callable(function):
        raise StepFailed(f"{module_name} has no function {function_name}")
    return function


def is_known(name: str) -> bool:
    """Whether this is a step of ours, or may be somebody's."""
    return _home_of(name) is not None or "." in name.strip(".")


def _home_of(name: str) -> str | None:
    home, dot, short_name = name.rpartition(".")
    return _OURS.get(short_name) if f"{home}{dot}" in ("", *_HOMES) else None


def _install(requirements: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "install", *requirements], capture_output=True, text=True)
    if done.returncode:
        raise StepFailed(f"{', '.join(requirements)} cannot be installed: {done.stderr.strip()}")
    importlib.invalidate_caches()


def _import_installed(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise StepFailed(f"{name} cannot be imported although what it requires is installed ({error})") from error
