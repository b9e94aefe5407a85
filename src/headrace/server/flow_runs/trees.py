"""What is inside flow runs that are cancelled or over: subflow runs at any depth, and task runs, that go along."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import msgspec

from headrace.rules import flow_run_policy
from headrace.rules.endings import OPEN_STATES, ending_of_subflow_run, ending_of_task_run
from headrace.server.flow_runs import batches
from headrace.server.flow_runs.batches import Entering
from headrace.server.flow_runs.queries import Orchestrated
from headrace.server.flow_runs.relations import Relations
from headrace.server.states.proposals import Asker
from headrace.server.store.base import Connection, Statement
from headrace.server.store.rows import ENUM, Kind, Reader
from headrace.server.task_runs import batches as task_runs
from headrace.wire.states import TERMINAL_STATES, State, StateType


class Reach(msgspec.Struct, frozen=True):
    """How many runs one transaction takes along at most; the others follow in transactions of their own."""

    flow_runs: int = 200
    task_runs: int = 500


class Taken(msgspec.Struct, frozen=True):
    """The subflow runs that entered states, below which of the parents each is, and whether all went along."""

    entered: Sequence[Entering]
    below: Mapping[UUID, UUID]
    complete: bool


class _Member(msgspec.Struct, kw_only=True):
    id: UUID
    parent_id: UUID
    parent_type: StateType


_MEMBERS = Reader(_Member, {"id": Kind.UUID, "parent_id": Kind.UUID, "parent_type": ENUM(StateType)})
_OPEN = ", ".join(f"'{state.value}'" for state in sorted(OPEN_STATES))
# From a flow run through its open task runs to the subflow runs that they track, which are in the same states. Those
# that have processes of their own outlive a parent that was not cancelled, and those that are told already need no
# more: left out, so that each transaction that takes some along gets on.
_CHILDREN = f"""
    JOIN flow_runs c ON c.parent_task_run_id = t.id AND c.deleted_at IS NULL AND c.state_type IN ({_OPEN})
    JOIN flow_runs p ON p.id = t.flow_run_id
    WHERE t.deleted_at IS NULL AND {{open}} AND NOT (
        p.state_type IN ('COMPLETED', 'FAILED', 'CRASHED')
        AND (c.deployment_id IS NOT NULL OR c.work_queue_id IS NOT NULL)
    )
"""
_MEMBER = """
    c.id, t.flow_run_id, p.state_type, c.state_type = 'CANCELLING' AND (
        p.state_type = 'CANCELLING'
        OR p.state_type = 'CANCELLED' AND (c.deployment_id IS NOT NULL OR c.work_queue_id IS NOT NULL)
    )
"""
_TREE_TEXT = f"""
    WITH RECURSIVE tree (id, parent_id, parent_type, told) AS (
        SELECT {_MEMBER} FROM task_runs t {_CHILDREN} AND {{roots}}
        UNION ALL
        SELECT {_MEMBER} FROM tree JOIN task_runs t ON t.flow_run_id = tree.id {_CHILDREN}
    ) SELECT id, parent_id, parent_type FROM tree WHERE NOT told LIMIT $2
"""
_TREE = Statement(
    _TREE_TEXT.format(open=f"t.state_type IN ({_OPEN})", roots="t.flow_run_id = ANY($1::uuid[])"),
    # The plus keeps SQLite from beginning with all open task runs there are.
    sqlite=_TREE_TEXT.format(
        open=f"+t.state_type IN ({_OPEN})", roots="t.flow_run_id IN (SELECT value FROM json_each($1))"
    ),
)


async def take_along(
    transaction: Connection, relations: Relations, parents: Mapping[UUID, StateType], asker: Asker, reach: Reach
) -> Taken:
    """Have what is inside these flow runs, which are in these states by now, go along with them.

    The nearest go first. The transaction holds the parents' rows.
    """
    members = _MEMBERS.all(await transaction.fetch(_TREE, list(parents), reach.flow_runs + 1), transaction.dialect)
    complete, members = len(members) <= reach.flow_runs, members[: reach.flow_runs]
    standing, below = dict(parents), {id: id for id in parents}
    entered: list[Entering] = []
    if members:
        locked = {run.id: run for run in await batches.lock(transaction, {member.id for member in members})}
        for member in members:
            run = locked.get(member.id)
            if run is None or run.state is None:
                continue
            below[run.id] = below.get(member.parent_id, member.parent_id)
            one = _entering(run, standing.get(member.parent_id, member.parent_type), asker)
            standing[run.id] = run.state.type if one is None else one.state.type
            if one is not None:
                entered.append(one)
        await batches.enter(transaction, relations, entered, asker)
    ended = await _take_task_runs_along(transaction, standing, asker, reach.task_runs)
    return Taken(entered, below, complete and ended)


def _entering(run: Orchestrated, parent: StateType, asker: Asker) -> Entering | None:
    assert run.state is not None
    ending = ending_of_subflow_run(parent, run, run.state.type)
    if ending is None:
        return None
    policy = flow_run_policy.policy_for(force=ending.type is not StateType.CANCELLING)
    state = State(type=ending.type, timestamp=asker.now, message=ending.message)
    return batches.entering(policy, run, state, asker)


async def _take_task_runs_along(
    transaction: Connection, standing: Mapping[UUID, StateType], asker: Asker, limit: int
) -> bool:
    """End or cancel the task runs of flow runs in these states; whether there were no more than `limit`."""
    stopping = [id for id, type in standing.items() if type is StateType.CANCELLING]
    over = [id for id, type in standing.items() if type in TERMINAL_STATES]
    running = OPEN_STATES - {StateType.CANCELLING}
    found = await task_runs.find_open(transaction, stopping, running, limit + 1)
    found += await task_runs.find_open(transaction, over, OPEN_STATES, limit + 1 - len(found))
    await end_task_runs(transaction, {one.id for one in found[:limit]}, standing, asker)
    return len(found) <= limit


async def end_task_runs(
    transaction: Connection, ids: Collection[UUID], standing: Mapping[UUID, StateType], asker: Asker
) -> int:
    """Give task runs the state that the state of their flow run asks for; returns how many entered one."""

    def decide(run: task_runs.Orchestrated) -> State | None:
        parent = None if run.flow_run_id is None else standing.get(run.flow_run_id)
        ending = None if parent is None or run.state is None else ending_of_task_run(parent, run.state.type)
        if ending is None:
            return None
        return State(type=ending.type, timestamp=asker.now, message=ending.message)

    return await task_runs.end(transaction, ids, decide, asker)
