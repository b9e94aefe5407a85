"""`headrace version`."""

from headrace.cli.output import Output, show_facts


def installed() -> str:
    """The version of headrace that is installed."""
    from importlib.metadata import version

    return version("headrace")


def version(*, output: Output = "table") -> None:
    """Show versions and where runs are recorded.

    Args:
        output: A table for people or JSON for programs.
    """
    import platform
    import sqlite3

    from headrace.settings import current
    from headrace.settings.catalogue import find

    settings = current()
    show_facts(
        {
            "headrace": installed(),
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            "platform": platform.platform(terse=True),
            "profile": settings.profile,
            "home": str(settings.home),
            "api": settings.api.url or "none set: runs are recorded in process",
            "database": find("server.database.url").show(settings.database_url),
        },
        output,
    )
