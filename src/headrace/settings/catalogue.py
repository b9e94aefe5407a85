"""Every setting by its variable: its place, type, meaning, and how its value is read and shown."""

import functools
import re
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from headrace.settings.groups import Group
from headrace.settings.model import Settings
from headrace.wire.errors import SettingsError

PREFIX = "HEADRACE_"
_MASK = "********"
_PASSWORD = re.compile(r"(?<=://)([^:/@]*):([^/]+)@")
_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


class Setting(msgspec.Struct, frozen=True):
    """One setting. Also the handle that `temporary_settings` takes: `HEADRACE_API_URL.value()`."""

    variable: str
    path: tuple[str, ...]
    type: Any
    default: Any
    bounds: msgspec.Meta

    def __hash__(self) -> int:
        return hash(self.variable)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Setting) and other.variable == self.variable

    @property
    def name(self) -> str:
        """The name of the variable."""
        return self.variable

    @property
    def key(self) -> str:
        """The dotted path, such as `server.database.url`."""
        return ".".join(self.path)

    @property
    def doc(self) -> str:
        """What it is for, one line."""
        return self.bounds.description or ""

    @property
    def secret(self) -> bool:
        """Whether the value must not be shown."""
        return bool((self.bounds.extra or {}).get("secret"))

    @property
    def accepts(self) -> str:
        """What values fit, in words."""
        said = (self.bounds.extra or {}).get("accepts")
        return said if isinstance(said, str) else _describe(self.type, self.bounds)

    def value(self) -> Any:
        """Its value in the settings that hold here and now."""
        from headrace.settings.context import current

        return self.value_from(current())

    def value_from(self, settings: Settings) -> Any:
        """Its value in some settings."""
        return functools.reduce(getattr, self.path, settings)

    def read(self, given: Any, origin: str) -> Any:
        """The value that `given` (text, or what TOML or a caller had) means.

        Raises `SettingsError` with the origin (a variable, a file and a key), the value and what is accepted.
        """
        if given is None or given == "":
            return self.default
        try:
            bounded = typing.Annotated[self.type, self.bounds]
            return msgspec.convert(_prepare(given, self.type), bounded, strict=False, dec_hook=_hook)
        except msgspec.ValidationError:
            shown = _MASK if self.secret else repr(without_password(str(given)))
            raise SettingsError(f"{origin} is {shown}; it must be {self.accepts}.") from None

    def show(self, value: Any) -> str:
        """The value as text that is safe to print: secrets and passwords in URLs are masked."""
        if value is None:
            return ""
        return _MASK if self.secret else without_password(text_of(value))


def text_of(value: Any) -> str:
    """The text that, put into the variable, gives the value again."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case tuple():
            return ",".join(typing.cast("tuple[str, ...]", value))
        case _:
            return str(value)


@functools.cache
def catalogue() -> Mapping[str, Setting]:
    """All settings by variable, in the order of the structs."""
    return {setting.variable: setting for setting in _walk(Settings, ())}


def find(name: str) -> Setting:
    """The setting of a variable or a dotted path; raises `SettingsError` with the nearest names."""
    variable = name.upper().replace(".", "_")
    if not variable.startswith(PREFIX):
        variable = PREFIX + variable
    if (setting := catalogue().get(variable)) is not None:
        return setting
    raise SettingsError(f"There is no setting {name}.{did_you_mean(variable)}")


def did_you_mean(variable: str) -> str:
    """A sentence with the settings named most like it, or nothing."""
    import difflib

    near = difflib.get_close_matches(variable.upper(), catalogue(), n=3, cutoff=0.75)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def unknown(names: typing.Iterable[str]) -> list[str]:
    """The names that look like variables of ours and are none, in order."""
    return sorted(name for name in names if name.startswith(PREFIX) and name not in catalogue())


def _walk(group: type[Group], path: tuple[str, ...]) -> Iterator[Setting]:
    for field in msgspec.structs.fields(group):
        place, annotation = (*path, field.name), field.type
        if isinstance(annotation, type) and issubclass(annotation, Group):
            yield from _walk(annotation, place)
        else:
            declared, bounds = typing.get_args(annotation)
            default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
            yield Setting(PREFIX + "_".join(place).upper(), place, _present(declared), default, bounds)


def _present(declared: Any) -> Any:
    """The type of a value that is there: `str` for `str | None`."""
    if not isinstance(declared, types.UnionType):
        return declared
    return next(member for member in typing.get_args(declared) if member is not types.NoneType)


def _prepare(given: Any, type_: Any) -> Any:
    """Text in the forms people write it, brought to the form msgspec reads."""
    if isinstance(given, Path):
        return str(given)
    if not isinstance(given, str):
        return given
    text = given.strip()
    if type_ is bool:
        return _BOOLEANS.get(text.lower(), text)
    if typing.get_origin(type_) is Literal:
        return {choice.lower(): choice for choice in typing.get_args(type_)}.get(text.lower(), text)
    if typing.get_origin(type_) is tuple:
        return [part for part in (piece.strip() for piece in text.split(",")) if part]
    return text


def _hook(type_: type, value: Any) -> Any:
    if type_ is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"settings of type {type_} are not supported")


_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "a path"}


def _describe(type_: Any, bounds: msgspec.Meta) -> str:
    if typing.get_origin(type_) is Literal:
        return "one of " + ", ".join(typing.get_args(type_))
    words = _WORDS.get(type_, "names divided by commas")
    if bounds.ge is not None and bounds.le is not None:
        return f"{words} from {bounds.ge} to {bounds.le}"
    if bounds.ge is not None:
        return f"{words} of {bounds.ge} or more"
    return f"{words} over {bounds.gt}" if bounds.gt is not None else words


def without_password(text: str) -> str:
    """The text with the password of every URL in it masked."""
    return _PASSWORD.sub(rf"\1:{_MASK}@", text)
