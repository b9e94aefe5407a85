"""From defaults, a profile and the environment to `Settings`: the later wins, and only what is set counts."""

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import msgspec

from headrace.settings.catalogue import PREFIX, Setting, catalogue
from headrace.settings.groups import Group
from headrace.settings.model import Settings

HOME, PROFILE = "HEADRACE_HOME", "HEADRACE_PROFILE"


class Assignment(msgspec.Struct, frozen=True):
    """A setting that was given a value, and where."""

    setting: Setting
    value: Any
    source: Literal["environment", "profile"]


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. Raises `SettingsError` about the first value that does not fit."""
    return assign(Settings(), {given.setting: given.value for given in assignments(environ)})


def assignments(environ: Mapping[str, str] | None = None) -> list[Assignment]:
    """Everything that is set somewhere, in the order of the catalogue."""
    given = os.environ if environ is None else environ
    variables = {name: text for name, text in given.items() if name.startswith(PREFIX)}
    home = Path(variables.get(HOME) or Path.home() / ".headrace").expanduser()
    found: dict[str, Assignment] = {}
    path = home / "profiles.toml"
    chosen = variables.get(PROFILE)
    if chosen or path.exists():
        found.update(_from_profile(path, chosen))
    if variables:
        for name in variables.keys() & catalogue().keys():
            setting = catalogue()[name]
            found[name] = Assignment(setting, setting.read(variables[name], f"The variable {name}"), "environment")
    return [found[name] for name in catalogue() if name in found] if found else []


def assign(settings: Settings, values: Mapping[Setting, Any]) -> Settings:
    """The same settings with some values replaced; what lay in the old home folder lies in the new one."""
    tree: dict[str, Any] = {}
    for setting, value in values.items():
        *groups, last = setting.path
        functools.reduce(lambda branch, name: branch.setdefault(name, {}), groups, tree)[last] = value
    if "home" in tree and settings.results.local_storage_path.is_relative_to(settings.home):
        inside = settings.results.local_storage_path.relative_to(settings.home)
        tree.setdefault("results", {}).setdefault("local_storage_path", inside)
    return _replace(settings, tree) if tree else settings


_G = TypeVar("_G", bound=Group)


def _replace(group: _G, changes: dict[str, Any]) -> _G:
    plain = {
        name: _replace(getattr(group, name), cast("dict[str, Any]", change)) if isinstance(change, dict) else change
        for name, change in changes.items()
    }
    return msgspec.structs.replace(group, **plain)


def _from_profile(path: Path, chosen: str | None) -> dict[str, Assignment]:
    from headrace.settings.profiles import read

    profiles = read(path)
    name = chosen or profiles.active
    found = {PROFILE: Assignment(catalogue()[PROFILE], name, "environment" if chosen else "profile")}
    for variable, given in profiles.values(name, must_exist=chosen is not None).items():
        setting = catalogue().get(variable)
        if setting is not None and variable not in (HOME, PROFILE):
            value = setting.read(given, f"{variable} in the profile {name!r} of {path}")
            found[variable] = Assignment(setting, value, "profile")
    return found
