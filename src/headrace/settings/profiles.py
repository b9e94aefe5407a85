"""Profiles: named sets of settings in `profiles.toml` in the home folder.

    active = "local"

    [profiles.local]
    HEADRACE_API_URL = "http://127.0.0.1:4200/api"

Files are replaced whole (written beside, then renamed), so that a reader never meets half of one.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias, cast

import msgspec

from headrace.settings.catalogue import find
from headrace.wire.errors import SettingsError

DEFAULT = "default"
Values: TypeAlias = Mapping[str, Any]


class Profiles(msgspec.Struct, frozen=True, kw_only=True):
    """The content of one file. Every change gives a new value; `write` keeps it."""

    path: Path
    active: str = DEFAULT
    profiles: Mapping[str, Values] = {}

    def values(self, name: str, *, must_exist: bool = True) -> Values:
        """What a profile sets, by variable; `default` always exists. Raises `SettingsError` naming those there are."""
        if name in self.profiles or name == DEFAULT or not must_exist:
            return self.profiles.get(name, {})
        names = ", ".join(sorted({DEFAULT, *self.profiles}))
        raise SettingsError(f"There is no profile {name!r} in {self.path}. There are: {names}.")

    def set(self, changes: Values, profile: str | None = None) -> "Profiles":
        """With some settings of a profile (the active one) changed, checked; the profile is made if it is missing."""
        name = profile or self.active
        checked = {setting.variable: (setting, given) for setting, given in ((find(k), v) for k, v in changes.items())}
        for variable, (setting, given) in checked.items():
            if variable in ("HEADRACE_HOME", "HEADRACE_PROFILE"):
                raise SettingsError(
                    f"{variable} says where profiles are, so no profile can hold it. Export it instead."
                )
            setting.read(given, variable)
        plain = {variable: _plain(given) for variable, (_, given) in checked.items()}
        return self._with(name, {**self.profiles.get(name, {}), **plain})

    def unset(self, variables: list[str], profile: str | None = None) -> "Profiles":
        """With some settings of a profile (the active one) removed; what is not set is left alone."""
        name = profile or self.active
        gone = {variable if variable in self.values(name) else find(variable).variable for variable in variables}
        return self._with(name, {key: value for key, value in self.values(name).items() if key not in gone})

    def use(self, name: str) -> "Profiles":
        """With another profile active. Raises `SettingsError` if there is none of that name."""
        self.values(name)
        return msgspec.structs.replace(self, active=name)

    def delete(self, name: str) -> "Profiles":
        """Without a profile. Raises `SettingsError` if it is active or missing."""
        self.values(name)
        if name == self.active:
            raise SettingsError(f"The profile {name!r} is active. Choose another one first.")
        return msgspec.structs.replace(self, profiles={k: v for k, v in self.profiles.items() if k != name})

    def write(self) -> None:
        """Keep it. The file is readable by its owner only, as it may hold secrets."""
        import tomli_w

        text = tomli_w.dumps({"active": self.active, "profiles": {k: dict(v) for k, v in self.profiles.items()}})
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, beside = tempfile.mkstemp(dir=self.path.parent, prefix=".profiles-", suffix=".toml")
            try:
                with open(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(beside, self.path)
            except BaseException:
                os.unlink(beside)
                raise
        except OSError as error:
            raise SettingsError(f"The profiles cannot be written to {self.path}: {error.strerror}.") from error

    def _with(self, name: str, values: Values) -> "Profiles":
        return msgspec.structs.replace(self, profiles={**self.profiles, name: values})


def read(path: Path) -> Profiles:
    """The profiles in a file; none, if it does not exist. Raises `SettingsError` with the line that is wrong."""
    import tomllib

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Profiles(path=path)
    except OSError as error:
        raise SettingsError(f"The profiles in {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error
    return _checked(path, document)


def _checked(path: Path, document: dict[str, Any]) -> Profiles:
    active = document.get("active", DEFAULT)
    profiles = document.get("profiles", {})
    if not isinstance(active, str):
        raise SettingsError(f"active in {path} is {active!r}; it must be the name of a profile.")
    if not isinstance(profiles, dict):
        raise SettingsError(f"profiles in {path} must be tables such as [profiles.local].")
    tables = cast("dict[str, object]", profiles)
    for name, values in tables.items():
        if not isinstance(values, dict):
            raise SettingsError(f"profiles.{name} in {path} must be a table of settings.")
    return Profiles(path=path, active=active, profiles=cast("dict[str, Values]", tables))


def _plain(value: Any) -> Any:
    """A value as TOML can keep it."""
    return str(value) if isinstance(value, Path) else value
