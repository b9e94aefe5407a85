"""`headrace server`."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from headrace.cli.errors import CommandFailed
from headrace.cli.local_server import answers, launch, running
from headrace.cli.local_server import stop as stop_server
from headrace.cli.output import Output, show_facts, tell
from headrace.settings import Settings, current, temporary_settings
from headrace.settings.catalogue import find

if TYPE_CHECKING:
    from headrace.server.process import Started

_SUGGESTION = "All runs are kept for ever until you say for how long: headrace retention set flow-runs 90d"

app = App(name="server", help="Start, stop and look after the server and its database.")
app.command("headrace.cli.database:app", name="database", help="Look after the tables of the database.")

app.command(
    "headrace.cli.services:app", name="services", help="See what the servers do by themselves, pause it, or run it now."
)


@app.command
def start(
    *,
    host: str | None = None,
    port: Annotated[int | None, Parameter(alias="-p")] = None,
    database_url: str | None = None,
    background: Annotated[bool, Parameter(alias="-b")] = False,
) -> None:
    """Serve the API until Ctrl-C, or in the background.

    Try:

        headrace server start
        headrace server start --background --port 0
        headrace server start --database-url postgresql://user:secret@db/headrace

    Args:
        host: The address to listen on; 127.0.0.1 if not set, which only this machine reaches.
        port: The port to listen on; 4200 if not set, 0 takes a free one.
        database_url: The database; the SQLite file headrace.db in the home folder if not set.
        background: Return once the server answers; headrace server stop ends it.
    """
    given = {"server.api.host": host, "server.api.port": port, "server.database.url": database_url}
    with temporary_settings({key: value for key, value in given.items() if value is not None}) as settings:
        _refuse_second(settings)
        if background:
            _start_in_background(settings)
        else:
            _serve(settings)


@app.command
def stop() -> None:
    """Stop the server of this home folder; requests that are being answered are finished first."""
    home = current().home
    server = running(home)
    if server is None:
        raise CommandFailed(f"No server runs for {home}; headrace server start starts one.")
    stop_server(server)
    tell(f"The server at {server.url} has stopped.")


@app.command
def status(*, output: Output = "table") -> None:
    """Show whether the server of this home folder, or the one that the API URL names, answers.

    Ends with exit code 1 if there is none or it does not answer.

    Args:
        output: Lines for people or JSON for programs.
    """
    settings = current()
    server = running(settings.home)
    url = server.url if server else settings.api.url
    if url is None:
        raise CommandFailed(f"No server runs for {settings.home}; headrace server start starts one.")
    healthy = answers(url)
    facts: dict[str, str | None] = {"api": url, "health": "answers" if healthy else "does not answer"}
    if server:
        facts |= {"database": _shown(server.database), "process": str(server.pid)}
    show_facts(facts, output)
    if not healthy:
        raise CommandFailed(f"The server at {url} does not answer.")


def _refuse_second(settings: Settings) -> None:
    other = running(settings.home)
    if other is not None and other.database == settings.database_url and other.database.startswith("sqlite"):
        raise CommandFailed(
            f"A server serves {_shown(other.database)} already, at {other.url} (process {other.pid}). "
            "Stop it with headrace server stop, or set another HEADRACE_HOME."
        )


def _serve(settings: Settings) -> None:
    from headrace.server.process import serve

    def greet(started: "Started") -> None:
        greeting = _greeting(started.url, settings.database_url, "Ctrl-C")
        print(f"{greeting}\n{_SUGGESTION}" if started.suggests_retention else greeting, flush=True)

    serve(settings, greet)


def _start_in_background(settings: Settings) -> None:
    api = settings.server.api
    arguments = ["--host", api.host, "--port", str(api.port)]
    if settings.server.database.url:
        # By the environment, not the command line, where every user of the machine could read the password.
        os.environ["HEADRACE_SERVER_DATABASE_URL"] = settings.server.database.url
    server = launch(settings.home, arguments)
    print(_greeting(server.url, server.database, "headrace server stop"))
    print(f"Its log is {settings.home / 'server.log'}.")


def _greeting(url: str, database: str, stop_with: str) -> str:
    root = url.rsplit("/", 1)[0]
    local = "This machine's flows find it by themselves; elsewhere" if database.startswith("sqlite") else "Then"
    lines = [
        "headrace is serving.",
        "",
        f"  API       {url}",
        f"  Docs      {root}/docs",
        f"  Database  {_shown(database)}",
        "",
        f"{local} set HEADRACE_API_URL={url}, or PREFECT_API_URL for Prefect's clients.",
        f"Stop it with {stop_with}.",
    ]
    return "\n".join([_bold(lines[0]), *lines[1:]])


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else text


def _shown(database: str) -> str:
    return find("server.database.url").show(database)
