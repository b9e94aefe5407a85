"""`headrace server database`: the tables, and bringing them to another version by hand."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from headrace.cli.errors import CommandFailed, UsageError
from headrace.cli.local_server import running
from headrace.cli.output import Output, ask, show_facts, tell
from headrace.cli.session import Yes
from headrace.settings import Settings, current
from headrace.settings.catalogue import find
from headrace.wire.errors import StoreError

app = App(name="database", help="Look after the tables of the database.")

Revision = Annotated[str, Parameter(name=["--revision", "-r"])]


@app.command
def status(*, output: Output = "table") -> None:
    """Show which database is used, which revision its tables have, how large it is, and how much of that is empty.

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
    elif found is not None:
        facts |= _room(settings)
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
    """Give the empty room in the database's files back to the disk.

    A SQLite file is written anew and gives room back by itself from then on. That takes as long as copying it, needs as
    much room on the disk again meanwhile, and nothing else may use the database.

    On PostgreSQL servers may go on working. Rows move from the end of tables into room ahead, so that the end can be
    cut off, and indexes that are mostly empty are built anew, one at a time, each beside the old one until it is ready.
    End it with Ctrl-C at any moment: nothing is lost, and the next time it goes on.

    Try:

        headrace server database compact -y
    """
    from headrace.server.store import compacting

    settings = current()
    path = compacting.path_of(settings)
    if path is None:
        _compact_postgres(settings, yes)
    else:
        _compact_file(settings, path, yes)


def _room(settings: Settings) -> dict[str, str]:
    """How large a PostgreSQL database is; and what can be given back, where whoever asks may do it."""
    from headrace.server.store import postgres_compacting

    try:
        plan = postgres_compacting.plan(settings)
    except StoreError:
        return {}
    return {"size": _megabytes(plan.bytes), "empty": f"about {_megabytes(plan.gain)}"}


def _compact_file(settings: Settings, path: Path, yes: bool) -> None:
    from headrace.server.store import compacting

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


def _compact_postgres(settings: Settings, yes: bool) -> None:
    from headrace.server.store import postgres_compacting

    name, plan = _name(settings), postgres_compacting.plan(settings)
    tell(f"{name} has {_megabytes(plan.bytes)}, of which about {_megabytes(plan.gain)} can be given back:")
    for heap in plan.heaps:
        tell(f"  table {heap.table}: about {_megabytes(heap.room)} of {_megabytes(heap.pages * heap.page_bytes)}")
    for index in plan.indexes:
        tell(f"  index {index.name}: about {_megabytes(index.bytes - index.needed)} of {_megabytes(index.bytes)}")
    if not plan.heaps and not plan.indexes:
        tell("  nothing that is known of; all tables are vacuumed and looked at again")
    _agree(f"Compact {name} beside whoever uses it", yes)
    try:
        before, after = postgres_compacting.compact(settings, tell)
    except KeyboardInterrupt:
        raise CommandFailed("Interrupted. Nothing is lost; run it again to go on.") from None
    tell(f"{name} has {_megabytes(after)} now, {_megabytes(max(before - after, 0))} less.")


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
