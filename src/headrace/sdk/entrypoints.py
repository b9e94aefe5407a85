"""Entrypoints: where a flow is defined, as `flows/etl.py:nightly` or `company.flows:nightly`.

A file is loaded as the module it would be imported as, so that it finds its neighbours, and what it pickles can be
read by another process that loads the same entrypoint.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from headrace.sdk.flow import Flow
from headrace.wire.deploying_errors import EntrypointError

_loading = False


def is_loading() -> bool:
    """Whether a module is being imported for the flow in it: it is not to serve or deploy anything now."""
    return _loading


def load_flow(entrypoint: str, folder: Path | None = None) -> Flow[..., Any]:
    """The flow that an entrypoint names; a file's path starts from `folder`, by default where this process is.

    Without a function's name the flow is the only one that is defined there. What the module itself raises when it is
    imported passes through. Raises `EntrypointError`.
    """
    place, name = split(entrypoint)
    module = load_module(place, entrypoint, folder)
    if name is None:
        return _only_flow(module, entrypoint)
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if isinstance(found, Flow):
        return found  # pyright: ignore[reportUnknownVariableType] # of unknown parameters
    known = ", ".join(flow.fn.__qualname__ for flow in flows_of(module)) or "none"
    problem = "is not there" if found is None else "is not a flow: decorate it with @flow"
    raise EntrypointError(f"The entrypoint {entrypoint!r} names {name}, which {problem}; flows there: {known}.")


def load_module(place: str, entrypoint: str, folder: Path | None = None) -> ModuleType:
    """The module that the file or module of an entrypoint is; as `load_flow`."""
    global _loading
    base = (folder or Path.cwd()).absolute()
    _look_in(base)
    _loading = True
    try:
        return _load_file(base / place, entrypoint) if is_file(place) else _load_module(place, base, entrypoint)
    finally:
        _loading = False


def split(entrypoint: str) -> tuple[str, str | None]:
    """The file or module of an entrypoint, and the name in it.

    >>> split("flows/etl.py:nightly"), split("company.flows.nightly"), split("etl.py")
    (('flows/etl.py', 'nightly'), ('company.flows', 'nightly'), ('etl.py', None))
    """
    place, colon, name = entrypoint.rpartition(":")
    if colon and place and name:
        return place, name
    if is_file(entrypoint):
        return entrypoint, None
    place, dot, name = entrypoint.rpartition(".")
    if colon or not (dot and place and name):
        raise EntrypointError(
            f"{entrypoint!r} is no entrypoint: write path/to/file.py:function, or package.module:function."
        )
    return place, name


def is_file(place: str) -> bool:
    """Whether this is the path of a file, and not the name of a module."""
    return place.endswith(".py") or "/" in place or "\\" in place


def flows_of(module: ModuleType) -> list[Flow[..., Any]]:
    """The flows that a module defines itself, in the order in which it does."""
    found: list[Flow[..., Any]] = [value for value in vars(module).values() if isinstance(value, Flow)]
    return [flow for flow in dict.fromkeys(found) if flow.fn.__module__ == module.__name__]


def _only_flow(module: ModuleType, entrypoint: str) -> Flow[..., Any]:
    flows = flows_of(module)
    if len(flows) == 1:
        return flows[0]
    if not flows:
        raise EntrypointError(f"The entrypoint {entrypoint!r} defines no flow: decorate a function with @flow.")
    names = ", ".join(f"{entrypoint}:{flow.fn.__qualname__}" for flow in flows)
    raise EntrypointError(f"The entrypoint {entrypoint!r} defines {len(flows)} flows: say which, as one of {names}.")


def _load_file(file: Path, entrypoint: str) -> ModuleType:
    file = file.resolve()
    if not file.is_file():
        raise EntrypointError(f"The entrypoint {entrypoint!r} cannot be loaded: there is no file {file}.")
    root, name = _module_of(file)
    _look_in(root, file.parent)
    if "." in name and (found := _of_package(name, file)) is not None:
        return found
    known = sys.modules.get(name)
    if "." in name or name in sys.stdlib_module_names or (known is not None and not _is_from(known, file)):
        # Somebody else has the name: this one takes another, rather than the place of what others import.
        name = f"__headrace_flow__{name.replace('.', '_')}"
        known = sys.modules.get(name)
    if known is not None and _is_from(known, file):
        return known
    return _execute(name, file, entrypoint)


def _of_package(name: str, file: Path) -> ModuleType | None:
    """The module of a file in a package, or None where the package of that name is another one."""
    try:
        found = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        return None
    return found if _is_from(found, file) else None


def _execute(name: str, file: Path, entrypoint: str) -> ModuleType:
    """Run a file as the module of a name."""
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise EntrypointError(f"The entrypoint {entrypoint!r} cannot be loaded: {file} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _load_module(name: str, base: Path, entrypoint: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise EntrypointError(
            f"The entrypoint {entrypoint!r} cannot be loaded: there is no module {error.name!r}. Install it, or start "
            f"from the folder that it is in; this is {base}."
        ) from error


def _module_of(file: Path) -> tuple[Path, str]:
    """The folder that imports of a file's package start from, and the name of its module."""
    names, folder = [file.stem], file.parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        names.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(names)


def _is_from(module: ModuleType, file: Path) -> bool:
    origin = getattr(module, "__file__", None)
    return origin is not None and Path(origin).resolve() == file


def _look_in(*folders: Path) -> None:
    """Let imports find what lies in some folders, those given first before others."""
    for folder in reversed(folders):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
