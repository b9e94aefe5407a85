"""`headrace flow-run cancel`, and how a cancellation goes."""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from cyclopts import Parameter

from headrace.cli.display import duration, local
from headrace.cli.errors import CommandFailed
from headrace.cli.output import Output, show_facts, show_json, tell
from headrace.cli.session import Stdin, client, for_each, gather_ids, named, parse_id
from headrace.wire.cancellations import Cancellation, RunCounts
from headrace.wire.errors import ObjectNotFound
from headrace.wire.orchestration import SetStateStatus
from headrace.wire.states import TERMINAL_STATES, State, StateType
from headrace.wire.times import now

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient

NOUN = "flow run"
_LOOKS = 0.5
"""Seconds between two looks at what is waited for."""
_Force = Annotated[bool, Parameter(negative="", help="Make them Cancelled at once, whatever their processes do.")]
_Wait = Annotated[bool, Parameter(negative="", help="Tell how it goes, until all is over.")]


def cancel(*runs: str, stdin: Stdin = False, wait: _Wait = False, force: _Force = False) -> None:
    """Cancel flow runs that have not finished, with all that runs inside them.

    Their processes are asked to stop, and killed if they do not; at the deadline the server ends the runs by itself.

    Try:

        headrace flow-run cancel RUN_ID --wait
        headrace flow-run ls --state Pending -o id | headrace flow-run cancel --stdin

    Args:
        runs: The ids of the runs.
    """
    ids = gather_ids(runs, stdin, NOUN)
    asked: list[UUID] = []
    with client() as api:

        def cancel_one(id: UUID) -> str:
            state = State(type=StateType.CANCELLED if force else StateType.CANCELLING)
            answer = api.set_flow_run_state(id, state, force=force)
            final = answer.state.type if answer.state else None
            asked.append(id)
            if final is StateType.CANCELLED and answer.status in (SetStateStatus.ACCEPT, SetStateStatus.REJECT):
                return "is cancelled"
            if answer.status is SetStateStatus.ACCEPT or final is StateType.CANCELLING:
                return "is cancelling"
            asked.remove(id)
            raise CommandFailed(f"Flow run {id} is not cancelled: {answer.details.reason or 'the server refused'}")

        for_each(ids, NOUN, cancel_one)
        if wait:
            _follow(api, asked)


def cancellation(run: str, /, *, output: Output = "table") -> None:
    """Show how the cancelling of a flow run went, or goes: asked, told, killed, final.

    Try:

        headrace flow-run cancellation RUN_ID

    Args:
        run: The id of the run.
        output: Lines for people or JSON for programs.
    """
    id = parse_id(run, NOUN)
    with client() as api:
        try:
            api.read_flow_run(id)
        except ObjectNotFound as error:
            raise named(error, id, NOUN) from error
        try:
            found = api.read_cancellation(id)
        except ObjectNotFound as error:
            raise CommandFailed(f"Flow run {id} was never asked to be cancelled.") from error
    if output == "json":
        show_json(found)
    else:
        show_facts(_facts(found), output)


def _facts(found: Cancellation) -> dict[str, str | None]:
    inside = found.root_id != found.flow_run_id
    return {
        "flow run": str(found.flow_run_id),
        "state": found.state_name,
        "asked": _step(found.requested_at, None if inside else _requester(found)),
        "for the sake of": str(found.root_id) if inside else None,
        "told": _step(found.told_at, found.told),
        "killed": _step(found.killed_at, found.killed),
        "final": _step(found.final_at, found.final_by),
        "deadline": local(found.deadline) if found.final_at is None else None,
        "infrastructure": found.infrastructure,
        "message": found.message,
        "flow runs": _counts(found.tree.flow_runs) if found.tree else None,
        "task runs": _counts(found.tree.task_runs) if found.tree else None,
    }


def _step(at: datetime | None, by: str | None) -> str | None:
    return None if at is None else f"{local(at)}{f' by {by}' if by else ''}"


def _requester(found: Cancellation) -> str | None:
    by = found.requested_by
    return None if by is None else by.display_value or (by.type or "").lower()


def _counts(types: dict[StateType, int]) -> str | None:
    return ", ".join(f"{count} {type.capitalize()}" for type, count in sorted(types.items())) or None


def _open(tree: RunCounts | None) -> int:
    if tree is None:
        return 0
    return sum(
        count
        for types in (tree.flow_runs, tree.task_runs)
        for type, count in types.items()
        if type not in TERMINAL_STATES
    )


def _follow(api: "SyncHeadraceClient", ids: Sequence[UUID]) -> None:
    """Tell of each step once, until all runs and what is inside them are over."""
    told: dict[UUID, list[str]] = {id: [] for id in ids}
    left = list(ids)
    while left:
        for id in list(left):
            lines, over = _look(api, id)
            for line in lines:
                if line not in told[id]:
                    told[id].append(line)
                    tell(f"{id}: {line}")
            if over:
                left.remove(id)
        if left:
            time.sleep(_LOOKS)


def _look(api: "SyncHeadraceClient", id: UUID) -> tuple[list[str], bool]:
    """What has happened to a run so far, and whether it is over."""
    try:
        found = api.read_cancellation(id)
    except ObjectNotFound:
        return _look_at_state(api, id)
    return list(_lines(found)), found.state_type in TERMINAL_STATES and not _open(found.tree)


def _look_at_state(api: "SyncHeadraceClient", id: UUID) -> tuple[list[str], bool]:
    """The same of a server that keeps no timeline, as Prefect's, or of a run that was deleted meanwhile."""
    try:
        run = api.read_flow_run(id)
    except ObjectNotFound:
        return ["deleted"], True
    return [run.state_name or ""], run.state_type in TERMINAL_STATES


def _lines(found: Cancellation) -> Iterator[str]:
    if found.final_at is None and found.deadline is not None:
        yield f"the server ends it by {local(found.deadline)} at the latest"
    if found.told_at is not None and found.told != found.killed:
        yield f"{found.told} was told{_after(found, found.told_at)}"
    if found.killed_at is not None:
        gone = "has ended its processes" if found.infrastructure == "gone" else "has tried to end its processes"
        yield f"{found.killed} {gone}{_after(found, found.killed_at)}"
    if found.final_at is not None:
        yield f"{found.state_name} by {found.final_by}{_after(found, found.final_at)}"
        if found.infrastructure == "unknown":
            yield "whether its processes are gone is unknown"
        if left := _open(found.tree):
            yield f"{left} runs inside it are not over yet"
    elif found.deadline is not None and now() > found.deadline:
        yield "its deadline has passed: is the service cancellation_cleanup running? headrace server services ls"


def _after(found: Cancellation, moment: datetime) -> str:
    return f" after {duration((moment - found.requested_at).total_seconds())}"
