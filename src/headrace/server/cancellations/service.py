"""What is done for a run that is cancelled or crashes, in the transaction of its state, and how its cancelling goes."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.rules.bookkeeping import FlowRunChanges
from headrace.rules.common_rules import later
from headrace.rules.endings import TAKES_ALONG
from headrace.rules.transitions import Entry
from headrace.server.cancellations import queries
from headrace.server.cancellations.queries import SERVER, Beginning
from headrace.server.concurrency import service as concurrency
from headrace.server.flow_runs import batches, trees
from headrace.server.flow_runs.batches import Entering, Orchestrated
from headrace.server.flow_runs.relations import Relations
from headrace.server.flow_runs.trees import Taken
from headrace.server.states.proposals import Asker
from headrace.server.store.base import Connection, Store, Topic
from headrace.wire.cancellations import Cancellation, CancellationStep
from headrace.wire.errors import ObjectNotFound
from headrace.wire.flow_runs import CreatedBy
from headrace.wire.states import StateType

REACH = trees.Reach()
_LONGEST_NAME = 200


async def follow(
    transaction: Connection, relations: Relations, run: Orchestrated, entry: Entry[FlowRunChanges], asker: Asker
) -> None:
    """Have a run's tree go along with the state that it has entered, and note how its cancelling goes.

    `run` is as it was before.
    """
    one, by = Entering(run, entry), requester(asker)
    taken, roots = await _take_along(transaction, relations, [one], _name(by), asker)
    if _is_new(one):
        await _begin(transaction, [one], {run.id: run.id}, by, asker, spread=taken.complete)
    await note_taken(transaction, taken, roots, asker, spread=taken.complete)
    terms = asker.services.cancellation_cleanup
    if not taken.complete or terms.cancelling_timeout_seconds < terms.loop_seconds:
        transaction.announce(Topic.CANCELLATIONS)


async def end(
    transaction: Connection,
    relations: Relations,
    entered: Sequence[Entering],
    asker: Asker,
    lost: Collection[UUID] = (),
) -> bool:
    """Have locked runs enter states in which the server puts them by itself, with all that is inside them.

    Of those that are `lost` the process is gone with what went on in it, whatever becomes of the run. Returns whether
    all went along; what did not is left over, and ended soon (`cleanup`).
    """
    await batches.enter(transaction, relations, entered, asker)
    taken, roots = await _take_along(transaction, relations, entered, SERVER, asker, lost)
    await note_taken(transaction, taken, roots, asker, spread=taken.complete)
    return taken.complete


async def _take_along(
    transaction: Connection,
    relations: Relations,
    entered: Sequence[Entering],
    by: str,
    asker: Asker,
    lost: Collection[UUID] = (),
) -> tuple[Taken, dict[UUID, UUID]]:
    """Take along what is inside runs that have entered states, and end the cancellations that they end.

    The second is whose cancelling was asked for, where that is another run's.
    """
    were_cancelling = [one for one in entered if _was_cancelling(one) and one.state.type is not StateType.CANCELLING]
    known = await queries.several(transaction, [one.run.id for one in were_cancelling])
    for one in were_cancelling:
        if one.state.is_final():
            await queries.finish(transaction, [one.run.id], by, asker.now, one.state.message)
        else:
            await queries.forget(transaction, one.run.id)
    parents = {one.run.id: one.state.type for one in entered if one.state.type in TAKES_ALONG}
    parents |= dict.fromkeys(lost, StateType.CRASHED)
    taken = Taken([], {}, complete=True)
    if parents:
        taken = await trees.take_along(transaction, relations, parents, asker, REACH)
    over = [one.run.id for one in (*entered, *taken.entered) if one.state.is_final()]
    await concurrency.end_held(transaction, "flow_run", over)
    return taken, {id: cancellation.root_id for id, cancellation in known.items()}


async def note_taken(
    transaction: Connection, taken: Taken, roots: Mapping[UUID, UUID], asker: Asker, *, spread: bool
) -> None:
    """Note for the runs inside a tree how their cancelling goes; `roots` say whose cancelling that of others is."""
    if not taken.entered:
        return
    told = {one.run.id for one in taken.entered if _was_cancelling(one)}
    known = await queries.several(transaction, [*told, *taken.below.values()])
    ended = [id for id in told if id in known and known[id].final_at is None]
    await queries.finish(transaction, ended, SERVER, asker.now)
    begun = [one for one in taken.entered if one.run.id not in ended]
    above = {id: cancellation.root_id for id, cancellation in known.items()} | dict(roots)
    root_of = {id: above.get(parent, parent) for id, parent in taken.below.items()}
    await _begin(transaction, begun, root_of, None, asker, spread=spread)


async def _begin(
    transaction: Connection,
    entered: Sequence[Entering],
    root_of: Mapping[UUID, UUID],
    by: CreatedBy | None,
    asker: Asker,
    *,
    spread: bool,
) -> None:
    """Begin to note the cancelling of runs, asked for by somebody or for the sake of the root."""
    timeout = asker.services.cancellation_cleanup.cancelling_timeout_seconds
    beginnings: list[Beginning] = []
    for one in entered:
        if one.state.type not in (StateType.CANCELLING, StateType.CANCELLED):
            continue
        root_id, final = root_of[one.run.id], one.state.is_final()
        beginning = Beginning(
            flow_run_id=one.run.id,
            root_id=root_id,
            requested_by=by or CreatedBy(type="FLOW_RUN", id=root_id),
            deadline=None if final else later(one.state.timestamp, timeout),
            spread=spread,
            final=final,
            message=one.state.message,
        )
        beginnings.append(beginning)
    await queries.begin(transaction, beginnings, asker.now)


def _was_cancelling(one: Entering) -> bool:
    return one.run.state is not None and one.run.state.type is StateType.CANCELLING


def _is_new(one: Entering) -> bool:
    return one.state.type in (StateType.CANCELLING, StateType.CANCELLED) and not _was_cancelling(one)


async def read(store: Store, id: UUID) -> Cancellation:
    """How the cancelling of a run goes. Raises `ObjectNotFound` where there is no run, or nobody asked for its end."""
    found = await queries.read(store, id)
    if found is None:
        raise ObjectNotFound(f"Flow run {id} does not exist, or was never asked to be cancelled.")
    return msgspec.structs.replace(found, tree=await queries.counts(store, id))


async def note(connection: Connection, id: UUID, step: CancellationStep, moment: datetime) -> None:
    """Note what somebody has done to end a run. Raises `ObjectNotFound` as `read` does."""
    match step.step:
        case "told":
            known = await queries.tell(connection, id, step.by, step.message, moment)
        case "killed":
            known = await queries.kill(connection, id, step.by, step.infrastructure, step.message, moment)
    if not known:
        raise ObjectNotFound(f"Flow run {id} does not exist, or was never asked to be cancelled.")


def requester(asker: Asker) -> CreatedBy:
    """Who asks for a run's end: an automation, or a client by the name that it gives itself."""
    if asker.on_behalf_of is not None:
        return asker.on_behalf_of
    agent = asker.headers.get("user-agent")
    if agent is None:
        return CreatedBy(type="SERVER", display_value=SERVER) if not asker.headers else CreatedBy(type="CLIENT")
    return CreatedBy(type="CLIENT", display_value=agent[:_LONGEST_NAME])


def _name(by: CreatedBy) -> str:
    return by.display_value or (by.type or "client").lower()
