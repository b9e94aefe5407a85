"""What the server says about itself."""

from functools import cache
from typing import Any

from headrace.server.store.base import Statement, Store
from headrace.settings import Settings

_ANYTHING = Statement("SELECT 1")


@cache
def own_version() -> str:
    """The version of headrace that serves."""
    from importlib.metadata import version

    return version("headrace")


async def check_database(store: Store) -> None:
    """Ask the database a question; raises what the store raises when it cannot be asked."""
    await store.fetch_one(_ANYTHING)


def shown_settings(settings: Settings) -> dict[str, Any]:
    """The settings as a nested document, with secrets and the passwords in URLs masked."""
    from headrace.settings.catalogue import catalogue

    document: dict[str, Any] = {}
    for setting in catalogue().values():
        group = document
        for name in setting.path[:-1]:
            group = group.setdefault(name, {})
        value = setting.value_from(settings)
        plain = value is None or isinstance(value, (bool, int, float))
        group[setting.path[-1]] = value if plain and not setting.secret else setting.show(value) or None
    return document
