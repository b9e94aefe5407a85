"""What each rule of the flow-run policies says; `flow_run_policy` has them in order (contract §4.3)."""

import msgspec

from headrace.rules.common_rules import awaiting_retry, current_state, has_persisted_result, later
from headrace.rules.effects import EmitStateEvent, MirrorToParentTaskRun, RetryFailedTaskRuns
from headrace.rules.facts import Facts
from headrace.rules.runs import OrchestratedFlowRun
from headrace.rules.transitions import Abort, Amend, Divert, Proposal, Reject, Verdict
from headrace.wire.states import TERMINAL_STATES, StateType

FlowRunProposal = Proposal[OrchestratedFlowRun]

_KEEPS_POLICY_WHEN_RERUN = (0, 8, 4)
"""Clients of an older API than this reset the retry and pause bookkeeping of a rerun themselves."""
_RETRIES_TASK_RUNS_ITSELF = (0, 8, 3)
"""Clients of an older API than this expect the server to reschedule a retried flow's failed task runs."""

_EVENT = Amend(effects=(EmitStateEvent(),))
_NO_INFRASTRUCTURE = "{} flow run has no infrastructure to terminate."


def prevent_duplicate(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """A request that is sent again after its answer got lost changes nothing."""
    transition_id = proposal.state.state_details.transition_id
    if transition_id is None or transition_id != current_state(proposal).state_details.transition_id:
        return None
    return Reject("This run has already made this state transition.")


def protect_terminal(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """What is over stays over, unless it is run again or its outcome is corrected."""
    initial, to, run = current_state(proposal), proposal.state.type, proposal.run
    if to in (StateType.CANCELLING, StateType.PAUSED, StateType.CRASHED):
        return Abort(f"Run is already in terminal state {initial.type}.")
    if to in TERMINAL_STATES:
        return prevent_result_loss(proposal, facts)
    if initial.type is StateType.COMPLETED and has_persisted_result(initial):
        return Reject("Run is already COMPLETED.")
    if to is StateType.SCHEDULED and run.deployment_id is None:
        return Abort("Cannot reschedule a run without an associated deployment.")
    if proposal.api_version is not None and proposal.api_version < _KEEPS_POLICY_WHEN_RERUN:
        return None
    retry_type = "reschedule" if to is StateType.SCHEDULED else None
    policy = msgspec.structs.replace(run.empirical_policy, resuming=False, pause_keys=set(), retry_type=retry_type)
    return Amend(policy=policy)


def prevent_result_loss(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """A result that was kept is not forgotten by completing again without one."""
    initial, state = current_state(proposal), proposal.state
    if initial.type is not StateType.COMPLETED or state.type is not StateType.COMPLETED:
        return None
    if not has_persisted_result(initial) or has_persisted_result(state):
        return None
    return Reject("Cannot overwrite a COMPLETED state that carries persisted result data with one that does not.")


def only_to_cancelled(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """Cancelling ends in Cancelled."""
    return Reject("Cannot transition flows that are cancelling to a state other than Cancelled.")


def bypass_cancelling(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """Where nothing runs that could react to a cancellation, the run is cancelled at once."""
    initial = current_state(proposal)
    if initial.name == "Resuming" or (initial.is_scheduled() and not proposal.run.infrastructure_pid):
        waiting = "Scheduled"
    elif initial.is_paused() and initial.state_details.pause_reschedule:
        waiting = "Suspended"
    else:
        return None
    return Divert(reason=_NO_INFRASTRUCTURE.format(waiting), state=proposal.instead(StateType.CANCELLED))


def only_scheduled_late(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """Late is a run that is due and has not been picked up, and it becomes so once."""
    if proposal.state.name != "Late":
        return None
    initial = proposal.run.state
    if initial is None or not initial.is_scheduled():
        return Reject("Only scheduled flows can be marked late.")
    if initial.name == "Late":
        return Reject("This flow run is already marked late.")
    return None


def pause(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """A running flow pauses once for each key; one that is to be started anew needs a deployment for that."""
    state, run = proposal.state, proposal.run
    verb = "suspend" if state.name == "Suspended" else "pause"
    if run.state is None:
        return Abort(f"Cannot {verb} flows with no state.")
    if not run.state.is_running():
        return Reject(f"Cannot {verb} flows that are not currently running.")
    key = state.state_details.pause_key or str(state.id)
    keys = run.empirical_policy.pause_keys or set()
    if key in keys:
        return Reject("This pause has already fired.")
    if state.state_details.pause_reschedule:
        if run.parent_task_run_id is not None:
            return Abort(f"Cannot {verb} subflows.")
        if run.deployment_id is None:
            return Abort(f"Cannot {verb} flows without a deployment.")
    return Amend(policy_after=msgspec.structs.replace(run.empirical_policy, pause_keys=keys | {key}))


def resume(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """A paused run goes on, or ends; after its time-out it fails instead."""
    to, run = proposal.state.type, proposal.run
    details = current_state(proposal).state_details
    if to not in (StateType.RUNNING, StateType.SCHEDULED) and to not in TERMINAL_STATES:
        return Reject(f"This run cannot transition to the {to} state from the PAUSED state.")
    if details.pause_reschedule and run.deployment_id is None:
        return Reject(f"Cannot reschedule a {to.lower()} flow run without a deployment.")
    if details.pause_timeout is not None and details.pause_timeout < proposal.now:
        return _timed_out(proposal)
    return Amend(policy_after=msgspec.structs.replace(run.empirical_policy, resuming=True))


def _timed_out(proposal: FlowRunProposal) -> Divert:
    paused = "suspended" if current_state(proposal).name == "Suspended" else "paused"
    message = f"The flow was {paused} and never resumed."
    return Divert(
        reason="The flow run pause has timed out and can no longer resume.",
        state=proposal.instead(StateType.FAILED, message=message),
    )


def retry_failed_flow(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """A failed run rests and starts again while it has retries left."""
    run, policy = proposal.run, proposal.run.empirical_policy
    if policy.retries is None or run.run_count > policy.retries:
        return None if policy.retry_type is None else Amend(policy=msgspec.structs.replace(policy, retry_type=None))
    scheduled_time = later(proposal.now, policy.retry_delay or 0)
    asks_for_task_runs = proposal.api_version is not None and proposal.api_version < _RETRIES_TASK_RUNS_ITSELF
    return Divert(
        reason="Retrying",
        state=awaiting_retry(proposal, scheduled_time),
        policy=msgspec.structs.replace(policy, resuming=False, pause_keys=set(), retry_type="in_process"),
        effects=(RetryFailedTaskRuns(scheduled_time),) if asks_for_task_runs else (),
    )


def may_begin_elsewhere(proposal: FlowRunProposal) -> bool:
    """Whether somebody else can begin a run anew whose process is gone, and it has retries left."""
    run, retries = proposal.run, proposal.run.empirical_policy.retries
    return run.deployment_id is not None and retries is not None and run.run_count <= retries


def reschedule_lost(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """A run whose process is gone rests and begins anew in another."""
    policy = proposal.run.empirical_policy
    scheduled_time = later(proposal.now, policy.retry_delay or 0)
    return Divert(
        reason="Retrying",
        state=awaiting_retry(proposal, scheduled_time),
        policy=msgspec.structs.replace(policy, resuming=False, pause_keys=set(), retry_type="reschedule"),
    )


def retry_elsewhere(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """A run that would have been tried again in its own process is handed out to be tried in another."""
    return Amend(policy=msgspec.structs.replace(proposal.run.empirical_policy, retry_type="reschedule"))


def emit_state_event(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """Every state that is written is news."""
    return _EVENT


def is_subflow(proposal: FlowRunProposal) -> bool:
    return proposal.run.parent_task_run_id is not None


def mirror_to_parent_task_run(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """The task run that tracks a subflow is in the subflow's state."""
    assert proposal.run.parent_task_run_id is not None
    return Amend(effects=(MirrorToParentTaskRun(proposal.run.parent_task_run_id),))
