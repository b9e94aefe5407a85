"""Settings: frozen values, from the environment over a profile over defaults.

    >>> from headrace.settings import HEADRACE_API_URL, get_current_settings, temporary_settings
    >>> with temporary_settings({HEADRACE_API_URL: "http://127.0.0.1:4200/api"}):
    ...     get_current_settings().api.url
    'http://127.0.0.1:4200/api'

Every setting has a handle here, named as its variable. Importing this reads no file.
"""

from typing import TYPE_CHECKING

from headrace.settings.context import current, reload, temporary_settings, use
from headrace.settings.loading import load
from headrace.settings.model import (
    APISettings,
    FlowsSettings,
    LoggingSettings,
    ResultsSettings,
    ServerAPISettings,
    ServerConcurrencySettings,
    ServerDatabaseSettings,
    ServerEventsSettings,
    ServerLogsSettings,
    ServerSettings,
    Settings,
    TasksSettings,
)
from headrace.settings.services import ServerServicesSettings

if TYPE_CHECKING:
    from headrace.settings.catalogue import Setting

__all__ = [
    "APISettings",
    "FlowsSettings",
    "LoggingSettings",
    "ResultsSettings",
    "ServerAPISettings",
    "ServerConcurrencySettings",
    "ServerDatabaseSettings",
    "ServerEventsSettings",
    "ServerLogsSettings",
    "ServerServicesSettings",
    "ServerSettings",
    "Settings",
    "TasksSettings",
    "current",
    "get_current_settings",
    "load",
    "reload",
    "temporary_settings",
    "use",
]

get_current_settings = current


def __getattr__(name: str) -> "Setting":
    from headrace.settings.catalogue import catalogue

    if (setting := catalogue().get(name)) is not None:
        return setting
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
