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
    """Show which database is used and which revision its tables have.

    Args:
        output: Lines for people or JSON for programs.
    """
    from headrace.server.store import revisions, schema

    settings = current()
    found = schema.current(settings)
    facts = {"database": _name(settings), "revision": found or "no tables yet", "newest": revisions.HEAD}
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


def _change(done: str, verb: str, yes: bool, change: Callable[[Settings], object]) -> None:
    """Make a change of the tables, once it is agreed to and no server of this home uses them."""
    settings = current()
    server = running(settings.home)
    if server is not None and server.database == settings.database_url:
        raise CommandFailed(
            f"The server at {server.url} uses {_name(settings)}; stop it first with headrace server stop."
        )
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("Nobody is at the terminal to agree: add --yes.")
        if not ask(f"{verb} {_name(settings)}?"):
            raise CommandFailed("Nothing is changed.")
    change(settings)
    from headrace.server.store import schema

    tell(f"{_name(settings)} is {done}; its revision is {schema.current(settings) or 'none: it has no tables'}.")


def _name(settings: Settings) -> str:
    return find("server.database.url").show(settings.database_url)
