"""`headrace event quarantine`."""

import sys
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter

from headrace.cli.display import ago
from headrace.cli.errors import CommandFailed, UsageError
from headrace.cli.output import Column, ListOutput, ask, show_list, tell
from headrace.cli.session import Yes, client
from headrace.wire.quarantine import INGEST, QuarantinedEvent

app = App(name="quarantine", help="Look at events that could not be taken in or handled, and try them again.")

Everything = Annotated[bool, Parameter(name="--all", help="All that are kept aside, or all of the consumer.")]
Consumer = Annotated[
    str | None, Parameter(help="Only events that this consumer could not handle; ingest: that were not taken in.")
]


@app.command
def ls(
    *,
    consumer: Consumer = None,
    limit: Annotated[int, Parameter(alias="-n")] = 20,
    output: ListOutput = "table",
) -> None:
    """List events that were kept aside, the latest first, with the reason.

    Try:

        headrace event quarantine ls
        headrace event quarantine ls --consumer triggers -o json

    Args:
        limit: The most events to list, 20 if not given.
        output: A table for people, JSON with what came for programs, or bare ids for pipes.
    """
    with client() as api:
        found = api.read_quarantined_events(consumer=consumer, limit=limit)
    columns = [
        Column[QuarantinedEvent]("ID", lambda kept: str(kept.id)),
        Column[QuarantinedEvent]("Event", lambda kept: kept.event or ""),
        Column[QuarantinedEvent]("Consumer", lambda kept: kept.consumer or INGEST),
        Column[QuarantinedEvent]("Bytes", lambda kept: str(kept.bytes)),
        Column[QuarantinedEvent]("Kept", lambda kept: ago(kept.quarantined_at)),
        Column[QuarantinedEvent]("Reason", lambda kept: " ".join(kept.reason.split())),
    ]
    show_list(found, columns, output, "No event is kept aside.")


@app.command
def replay(*ids: str, everything: Everything = False, consumer: Consumer = None) -> None:
    """Try events again that were kept aside; those that fail again stay, with the new reason.

    Try:

        headrace event quarantine replay --all

    Args:
        ids: The ids of the events in quarantine.
    """
    chosen = _chosen(ids, everything, consumer)
    with client() as api:
        done = api.replay_quarantined_events(ids=chosen, consumer=consumer)
    tell(f"{done.replayed} events were handled now.")
    if done.failed:
        raise CommandFailed(f"{done.failed} events failed again; headrace event quarantine ls says why.")


@app.command
def drop(*ids: str, everything: Everything = False, consumer: Consumer = None, yes: Yes = False) -> None:
    """Forget events that were kept aside, for good.

    Asks first when someone is at the terminal.

    Try:

        headrace event quarantine drop QUARANTINE_ID
        headrace event quarantine drop --all --consumer ingest --yes

    Args:
        ids: The ids of the events in quarantine.
    """
    chosen = _chosen(ids, everything, consumer)
    with client() as api:
        many = api.count_quarantined_events(ids=chosen, consumer=consumer)
        if many and not yes and sys.stdin.isatty() and not ask(f"Forget {many} events for good?"):
            raise CommandFailed("Nothing is dropped.")
        tell(f"{api.drop_quarantined_events(ids=chosen, consumer=consumer)} events are dropped.")


def _chosen(ids: Sequence[str], everything: bool, consumer: str | None) -> list[UUID] | None:
    if bool(ids) == everything:
        raise UsageError("Name the events by their ids, or say --all.")
    if everything:
        return None
    if consumer is not None:
        raise UsageError("--consumer goes with --all: ids say already which events are meant.")
    try:
        return [UUID(text) for text in ids]
    except ValueError as error:
        raise UsageError(f"{error}: headrace event quarantine ls shows ids.") from None
