"""Compare our API with the peer's and print the difference as a table.

python -m scripts.conformance            what is not listed in docs/conformance.md; fails if there is any
python -m scripts.conformance --all      the listed differences too, with their reasons
"""

import sys

from rich.console import Console
from rich.table import Table

from headrace.server.http.openapi import document
from headrace.server.http.routes import ROUTERS
from scripts.conformance.differences import ABSENT, Difference, differences
from scripts.conformance.operations import Operation, operations
from scripts.conformance.peer import PeerMissing, peer_document
from scripts.conformance.reasons import PAGE, Reason, read_reasons, reason_for

Explained = list[tuple[Difference, Reason | None]]


def main(arguments: list[str]) -> int:
    """Print the report; the exit code says whether anything differs that is not listed with its reason."""
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    try:
        peer = operations(peer_document())
    except PeerMissing as error:
        console.print(f"conformance: {error}")
        return 1
    ours = operations(document([operation for router in ROUTERS for operation in router.operations], "/api"))
    reasons = read_reasons(PAGE.read_text())
    found: Explained = [(d, reason_for(d, reasons)) for d in differences(peer, ours)]
    unlisted = [(difference, reason) for difference, reason in found if reason is None]
    shown = found if "--all" in arguments else unlisted
    if shown:
        console.print(_table(shown))
    stale = [reason for reason in reasons if all(reason is not used for _, used in found)]
    for reason in stale:
        console.print(f"docs/conformance.md lists what is no longer so: {reason.operation}, {reason.part}")
    console.print(_summary(peer, found))
    return 1 if unlisted or stale else 0


def _table(found: Explained) -> Table:
    table = Table("operation", "part", "peer", "headrace", "reason")
    for difference, reason in sorted(found, key=lambda pair: pair[0]):
        why = "[red]not listed[/red]" if reason is None else reason.why
        table.add_row(difference.operation, difference.part, difference.peer, difference.ours, why)
    return table


def _summary(peer: dict[str, Operation], found: Explained) -> str:
    absent = sum(difference.part == "operation" and difference.ours == ABSENT for difference, _ in found)
    listed = sum(reason is not None for _, reason in found)
    return (
        f"conformance: {len(peer) - absent} of {len(peer)} operations; {listed} differences with a reason in "
        f"docs/conformance.md, {len(found) - listed} without"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
