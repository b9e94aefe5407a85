"""`headrace server database`: the tables, and bringing them to another version by hand."""

import sys
from collections.abc import Callable
from typing import Annotated

from cyclopts import App, Parameter

from headrace.cli.errors import CommandFailed, UsageError
from headrace.cli.local_server import running
from headrace.cli.output import Output, ask, show_facts, tell
from headrace.cli.session import Yes
from headrace.settings import Settings, current
from headrace.settings.catalogue import find

app = App(name="database", help="Look after the tables of the database.")

Revision = Annotated[str, Parameter(name=["--revision", "-r"])]


@app.command
def status(*, output: Output = "table") -> None:
    """Show which database is used, which revision its tables have, and of a SQLite file how much of it is empty.

    Args:
        output: Lines for people or JSON for programs.
    """
    from headrace.server.store import compacting, revisions, schema

    settings = current()
    found = schema.current(settings)
    facts = {"database": _name(settings), "revision": found or "no tables yet", "newest": revisions.HEAD}
    path = None if found is None else compacting.path_of(settings)
    if path is not None:
        size, empty, shrinks = compacting.space(path)
        facts |= {"size": _megabytes(size), "empty": _megabytes(empty)}
        facts["shrinks"] = "by itself" if shrinks else "no: headrace server database compact lets it"
    show_facts(facts, output)


@app.command
def upgrade(*, revision: Revision = "head", yes: Yes = False) -> None:
    """Bring the tables up to the newest revision, keeping what they hold.

    Try:

        headrace server database upgrade -y

    Args:
        revision: The revision to go to.
    """
    from headrace.server.store import schema

    _change("upgraded", "Upgrade", yes, lambda settings: schema.upgrade(settings, revision))


@app.command
def downgrade(*, revision: Revision = "-1", yes: Yes = False) -> None:
    """Bring the tables back to an earlier revision; what only newer ones can hold is lost.

    Try:

        headrace server database downgrade --revision base -y

    Args:
        revision: The revision to go to: one back if not given, base for no tables at all.
    """
    from headrace.server.store import schema

    _change("downgraded", "Downgrade", yes, lambda settings: schema.downgrade(settings, revision))


@app.command
def reset(*, yes: Yes = False) -> None:
    """Delete everything that is recorded and make the tables anew.

    Try:

        headrace server database reset -y
    """
    from headrace.server.store import schema

    _change("reset", "Delete everything in", yes, schema.reset)


@app.command
def compact(*, yes: Yes = False) -> None:
    """Write a SQLite database anew without its empty room, and let it give room back by itself from then on.

    It takes as long as copying the file, and needs as much room on the disk again meanwhile. Nothing else may use the
    database. PostgreSQL gives its room to new rows; `VACUUM FULL` shrinks its tables.

    Try:

        headrace server database compact -y
    """
    from headrace.server.store import compacting

    settings = current()
    path = compacting.path_of(settings)
    if path is None:
        raise CommandFailed(
            f"{_name(settings)} is a PostgreSQL database, which gives its room to new rows; to shrink its files, run "
            "VACUUM FULL in psql while no server uses it."
        )
    _refuse_served(settings)
    before, needed, free = compacting.measure(path)
    if free < needed:
        raise CommandFailed(
            f"{_megabytes(needed)} are needed on the disk of {path} to write it anew, and {_megabytes(free)} are free."
        )
    _agree(f"Write {path} ({_megabytes(before)}) anew", yes)
    tell(f"{path} is written anew; {_megabytes(needed)} are to be written. Do not use it until this has ended.")
    after = compacting.compact(path, lambda done: tell(f"… {_megabytes(done)} of about {_megabytes(needed)}"))
    tell(f"{path} has {_megabytes(after)} now, {_megabytes(before - after)} less; from now on it shrinks by itself.")


def _change(done: str, verb: str, yes: bool, change: Callable[[Settings], object]) -> None:
    """Make a change of the tables, once it is agreed to and no server of this home uses them."""
    settings = current()
    _refuse_served(settings)
    _agree(f"{verb} {_name(settings)}", yes)
    change(settings)
    from headrace.server.store import schema

    tell(f"{_name(settings)} is {done}; its revision is {schema.current(settings) or 'none: it has no tables'}.")


def _refuse_served(settings: Settings) -> None:
    server = running(settings.home)
    if server is not None and server.database == settings.database_url:
        raise CommandFailed(
            f"The server at {server.url} uses {_name(settings)}; stop it first with headrace server stop."
        )


def _agree(what: str, yes: bool) -> None:
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("Nobody is at the terminal to agree: add --yes.")
        if not ask(f"{what}?"):
            raise CommandFailed("Nothing is changed.")


def _megabytes(bytes: int) -> str:
    return f"{bytes / 1e6:,.1f} MB"


def _name(settings: Settings) -> str:
    return find("server.database.url").show(settings.database_url)
