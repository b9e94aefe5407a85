"""What each rule of the task-run policies says; `task_run_policy` has them in order (contract §4.4)."""

from headrace.rules.bookkeeping import amended
from headrace.rules.common_rules import awaiting_retry, current_state, has_persisted_result, later, with_details
from headrace.rules.effects import AcquireTagSlots, Enqueue, ReleaseTagSlots, RememberCached
from headrace.rules.facts import Facts, TagLimit
from headrace.rules.retries import poisson_interval, retry_delay
from headrace.rules.runs import OrchestratedTaskRun
from headrace.rules.transitions import ANY_FROM, Abort, Amend, Divert, Proposal, Reject, Verdict, Wait
from headrace.wire.states import TERMINAL_STATES, StateDetails, StateType

TaskRunProposal = Proposal[OrchestratedTaskRun]

NOT_TERMINAL = ANY_FROM - TERMINAL_STATES

_LONGEST_CACHE_KEY = 2000
_LONGEST_AVERAGE_WAIT = 10.0
"""Seconds; a tag's slots may be held for longer, but a task that waits for one asks again after this on average."""


def may_be_cached(proposal: TaskRunProposal) -> bool:
    """Whether an earlier result may stand in for the run."""
    details = proposal.state.state_details
    return details.cache_key is not None and not details.refresh_cache


def retrieve_from_cache(proposal: TaskRunProposal, facts: Facts) -> Verdict:
    """A run whose result is cached completes with it at once."""
    if facts.cached_state is None:
        return None
    cached = amended(facts.cached_state, id=proposal.state.id, timestamp=proposal.now, name="Cached")
    return Divert(reason="Retrieved state from cache", state=cached)


def protect_terminal(proposal: TaskRunProposal, facts: Facts) -> Verdict:
    """What is over stays over, unless it is run again: that starts its count anew."""
    initial, state = current_state(proposal), proposal.state
    if state.type in (StateType.CANCELLING, StateType.PAUSED, StateType.CRASHED):
        return Abort(f"Run is already {initial.type}.")
    if initial.type is StateType.COMPLETED and has_persisted_result(initial):
        return Reject("This run is already completed.")
    if state.type in TERMINAL_STATES:
        return None
    flow_run = facts.flow_run
    if state.type is StateType.RUNNING and flow_run and proposal.run.flow_run_run_count < flow_run.run_count:
        return Amend(run_count=0, state=amended(state, name="Retrying"))
    return Amend(run_count=0)


def is_in_flow_run(proposal: TaskRunProposal) -> bool:
    return proposal.run.flow_run_id is not None


def prevent_running_from_stopped_flow(proposal: TaskRunProposal, facts: Facts) -> Verdict:
    """A task run starts only while its flow run is running; in a paused one it is paused as well."""
    flow_run = facts.flow_run
    if flow_run is not None and flow_run.state is not None:
        if flow_run.state.is_running():
            return None
        if flow_run.state.is_paused():
            held = flow_run.state.state_details
            details = StateDetails(pause_timeout=held.pause_timeout, pause_reschedule=held.pause_reschedule)
            return Divert(
                reason=f"The flow is paused, new tasks can execute after resuming flow run: {flow_run.id}.",
                state=proposal.instead(StateType.PAUSED, name="NotReady", details=details),
            )
    return Abort("The enclosing flow must be running to begin task execution.")


def has_tags(proposal: TaskRunProposal) -> bool:
    return bool(proposal.run.tags)


def secure_tag_slots(proposal: TaskRunProposal, facts: Facts) -> Verdict:
    """A run takes a slot of the limit on each of its tags, all of them or none."""
    for limit in facts.tag_limits:
        if limit.limit == 0:
            return Abort(
                f'The concurrency limit on tag "{limit.tag}" is 0 and will deadlock if the task tries to run again.'
            )
    full = [limit for limit in facts.tag_limits if limit.full]
    if full:
        tags = ", ".join(limit.tag for limit in full)
        return Wait(_wait_for(full, proposal.draw), f"Concurrency limit reached for tags: {tags}")
    wanted = tuple(limit.tag for limit in facts.tag_limits if not limit.held)
    return Amend(effects=(AcquireTagSlots(wanted, proposal.state.id),)) if wanted else None


def _wait_for(full: list[TagLimit], draw: float) -> int:
    """Seconds until it is worth asking again, by how long the busiest of the limits is held on average."""
    average = max(limit.average_occupancy for limit in full)
    return max(1, round(poisson_interval(min(average, _LONGEST_AVERAGE_WAIT), draw)))


def copy_task_parameters_id(proposal: TaskRunProposal, facts: Facts) -> Verdict:
    """A background task keeps track of where its parameters are stored."""
    parameters_id = current_state(proposal).state_details.task_parameters_id
    if parameters_id is None:
        return None
    return Amend(state=with_details(proposal.state, task_parameters_id=parameters_id))


def retry_failed_task(proposal: TaskRunProposal, facts: Facts) -> Verdict:
    """A failed run rests and starts again while it has retries left, unless it said that it must not."""
    run, policy = proposal.run, proposal.run.empirical_policy
    if proposal.state.state_details.retriable is False:
        return None
    if policy.retries is None or run.run_count > policy.retries:
        return None
    delay = retry_delay(policy.retry_delay, run.run_count, policy.retry_jitter_factor, proposal.draw)
    return Divert(reason="Retrying", state=awaiting_retry(proposal, later(proposal.now, delay)))


def rename_rerun(proposal: TaskRunProposal, facts: Facts) -> Verdict:
    """A state's name tells the first attempt of a run from a retry and from any other.

    A run that was over has been named by `protect_terminal`, which counts its attempts anew.
    """
    if proposal.run.run_count == 0:
        return None
    initial = proposal.run.state
    retry = initial is not None and initial.name == "AwaitingRetry"
    return Amend(state=amended(proposal.state, name="Retrying" if retry else "Rerunning"))


def track_flow_run(proposal: TaskRunProposal, facts: Facts) -> Verdict:
    """A task run knows in which attempt of its flow run it ran."""
    return None if facts.flow_run is None else Amend(flow_run_run_count=facts.flow_run.run_count)


def has_cache_key(proposal: TaskRunProposal) -> bool:
    return proposal.state.state_details.cache_key is not None


def insert_into_cache(proposal: TaskRunProposal, facts: Facts) -> Verdict:
    """A completed run's state is filed under its cache key; with a key that is too long it completes without."""
    details = proposal.state.state_details
    assert details.cache_key is not None
    if len(details.cache_key) > _LONGEST_CACHE_KEY:
        reason = f"Cache key exceeded maximum allowed length of {_LONGEST_CACHE_KEY} characters."
        return Divert(reason=reason, state=proposal.state)
    return Amend(effects=(RememberCached(details.cache_key, details.cache_expiration),))


def release_tag_slots(proposal: TaskRunProposal, facts: Facts) -> Verdict:
    """A run that neither runs nor is being stopped holds no slots."""
    if proposal.state.type in (StateType.RUNNING, StateType.CANCELLING):
        return None
    return Amend(effects=(ReleaseTagSlots(tuple(proposal.run.tags)),))


def enqueue(proposal: TaskRunProposal, facts: Facts) -> Verdict:
    """A background task that is scheduled is offered to workers."""
    if proposal.state.type is not StateType.SCHEDULED:
        return None
    return Amend(effects=(Enqueue(proposal.run.task_key, retry=proposal.state.name == "AwaitingRetry"),))
