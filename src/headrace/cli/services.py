"""`headrace server services`."""

from collections.abc import Callable, Sequence

import msgspec
from cyclopts import App

from headrace.cli.display import ago, duration
from headrace.cli.errors import CommandFailed, UsageError
from headrace.cli.output import Column, Output, show_json, show_list, tell
from headrace.cli.session import client
from headrace.wire.errors import ObjectNotFound
from headrace.wire.services import ServiceStatus

app = App(name="services", help="See what the servers do by themselves, pause it, or have it done now.")


class _Line(msgspec.Struct, frozen=True):
    """One line of the table."""

    service: ServiceStatus

    @property
    def id(self) -> str:
        return self.service.name


@app.command
def ls(*, output: Output = "table") -> None:
    """List the services: what they are at, by whom they are run, their last tick and their last error.

    Try:

        headrace server services ls
        headrace server services ls -o json | jq '.[] | select(.failures > 0)'

    Args:
        output: A table for people or JSON for programs.
    """
    with client() as api:
        found = api.read_services()
    if output == "json":
        show_json(found)
        return
    columns = [
        Column[_Line]("Service", lambda line: line.id),
        Column[_Line]("State", lambda line: _state(line.service), lambda line: _STYLES.get(_state(line.service), "")),
        Column[_Line]("Holder", lambda line: line.service.holder or ""),
        Column[_Line]("Last tick", lambda line: ago(line.service.last_tick)),
        Column[_Line]("Took", lambda line: _length(line.service.duration)),
        Column[_Line]("Lag", lambda line: _length(line.service.lag)),
        Column[_Line]("Ticks", lambda line: str(line.service.ticks)),
        Column[_Line]("Errors", lambda line: str(line.service.errors)),
        Column[_Line]("Last error", lambda line: " ".join((line.service.last_error or "").split())),
    ]
    show_list([_Line(each) for each in found], columns, output)


@app.command
def pause(*names: str) -> None:
    """Let services make no more ticks at any server, until they are resumed; what is under way is finished.

    Try:

        headrace server services pause scheduler

    Args:
        names: The services, as headrace server services ls lists them.
    """
    for name in _given(names):
        with client() as api:
            _named(api.pause_service, name)
        tell(f"The service {name} is paused; headrace server services resume {name} lets it go on.")


@app.command
def resume(*names: str) -> None:
    """Let services that were paused go on.

    Try:

        headrace server services resume scheduler

    Args:
        names: The services, as headrace server services ls lists them.
    """
    for name in _given(names):
        with client() as api:
            _named(api.resume_service, name)
        tell(f"The service {name} goes on.")


@app.command(name="run-now")
def run_now(*names: str) -> None:
    """Have services tick at once, without waiting for their time, and even if they are paused.

    Returns when it is asked for; a server that runs the service takes it up within two seconds.

    Try:

        headrace server services run-now scheduler

    Args:
        names: The services, as headrace server services ls lists them.
    """
    for name in _given(names):
        with client() as api:
            _named(api.run_service, name)
        tell(f"The service {name} is asked to run now; headrace server services ls shows its last tick.")


_STYLES = {"failing": "red", "paused": "yellow", "runs nowhere": "red"}


def _state(service: ServiceStatus) -> str:
    if not service.running:
        return "runs nowhere" if service.enabled else "switched off"
    if service.paused:
        return "paused"
    return "failing" if service.failures else "runs"


def _length(seconds: float | None) -> str:
    return "" if seconds is None else duration(seconds)


def _given(names: Sequence[str]) -> Sequence[str]:
    if not names:
        raise UsageError("No service named: headrace server services ls lists them.")
    return names


def _named(call: Callable[[str], ServiceStatus], name: str) -> None:
    try:
        call(name)
    except ObjectNotFound:
        raise CommandFailed(f"There is no service {name!r}; headrace server services ls lists them.") from None
