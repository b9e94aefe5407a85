"""The settings that hold here and now: loaded once a process, overridden for the length of a block."""

import contextlib
import threading
from collections.abc import Generator, Iterable, Mapping
from contextvars import ContextVar
from typing import Any

from headrace.settings.catalogue import Setting, find
from headrace.settings.loading import assign, load
from headrace.settings.model import Settings

_override: ContextVar[Settings | None] = ContextVar("headrace_settings", default=None)
_loaded: Settings | None = None
_lock = threading.Lock()


def current() -> Settings:
    """The settings of this context: those of the innermost `temporary_settings`, else the process's."""
    global _loaded
    if (override := _override.get()) is not None:
        return override
    if _loaded is None:
        with _lock:
            _loaded = _loaded or load()
    return _loaded


def reload() -> Settings:
    """Read environment and profiles again, for processes that changed them."""
    global _loaded
    _loaded = load()
    return _loaded


@contextlib.contextmanager
def temporary_settings(
    updates: Mapping[Setting | str, Any] | None = None, *, restore_defaults: Iterable[Setting | str] = ()
) -> Generator[Settings]:
    """Other values for the length of a block, in this context and those copied from it.

    >>> with temporary_settings({HEADRACE_API_URL: "http://127.0.0.1:4200/api"}) as settings:
    ...     settings.api.url
    'http://127.0.0.1:4200/api'

    Keys are handles, variables or dotted paths; None stands for the default. Raises `SettingsError`.
    """
    values = {setting: setting.default for setting in map(_setting, restore_defaults)}
    for key, given in (updates or {}).items():
        setting = _setting(key)
        values[setting] = setting.read(given, setting.variable)
    with use(assign(current(), values)) as settings:
        yield settings


@contextlib.contextmanager
def use(settings: Settings) -> Generator[Settings]:
    """Whole settings for the length of a block."""
    token = _override.set(settings)
    try:
        yield settings
    finally:
        _override.reset(token)


def _setting(key: Setting | str) -> Setting:
    return key if isinstance(key, Setting) else find(key)
