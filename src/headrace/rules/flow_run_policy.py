"""Which states a flow run may enter, in order of the rules that say so (contract §4.3).

The functions behind the tables are in `flow_run_rules` and, where deployments limit how many of their
runs go on at once, in `slot_rules`; what schedules make of runs that overlap is in `overlap_rules`.
"""

from headrace.rules import common_rules as common
from headrace.rules import flow_run_rules as runs
from headrace.rules import overlap_rules as overlaps
from headrace.rules import slot_rules as slots
from headrace.rules.bookkeeping import FlowRunChanges, enter_flow_run
from headrace.rules.facts import Needs
from headrace.rules.runs import OrchestratedFlowRun
from headrace.rules.transitions import ANY_FROM, ANY_TO, Amend, Policy, Rule
from headrace.wire.states import TERMINAL_STATES, State, StateType

FlowRunRule = Rule[OrchestratedFlowRun]
FlowRunTable = Policy[OrchestratedFlowRun, FlowRunChanges]

SCHEDULED, PENDING, RUNNING = StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING
PAUSED, CANCELLING, CANCELLED = StateType.PAUSED, StateType.CANCELLING, StateType.CANCELLED
COMPLETED, FAILED, CRASHED = StateType.COMPLETED, StateType.FAILED, StateType.CRASHED
HOLDING_A_SLOT = frozenset({PENDING, RUNNING, CANCELLING})


def policy_for(force: bool) -> FlowRunTable:
    """The policy that a proposed state meets."""
    return FORCED if force else CORE


def _enter(run: OrchestratedFlowRun, state: State, amended: Amend) -> tuple[State, FlowRunChanges]:
    return enter_flow_run(run, state, policy=amended.policy, policy_after=amended.policy_after)


PRESERVE_LEASE = FlowRunRule(
    name="PreserveLease",
    froms=ANY_FROM - {None},
    decide=slots.preserve_lease,
    always=True,
)
BYPASS_CANCELLING = FlowRunRule(
    name="BypassCancelling",
    froms=frozenset({SCHEDULED, PAUSED}),
    tos=frozenset({CANCELLING}),
    decide=runs.bypass_cancelling,
)
ONLY_SCHEDULED_LATE = FlowRunRule(
    name="OnlyScheduledLate",
    tos=frozenset({SCHEDULED}),
    decide=runs.only_scheduled_late,
)
NEWS = (
    FlowRunRule(
        name="EmitStateEvent",
        decide=runs.emit_state_event,
        always=True,
    ),
    FlowRunRule(
        name="MirrorToParentTaskRun",
        when=runs.is_subflow,
        decide=runs.mirror_to_parent_task_run,
        always=True,
    ),
)
"""Who is told of the state that is written, whichever it is."""

RELEASE_SLOT = FlowRunRule(
    name="ReleaseSlot",
    froms=HOLDING_A_SLOT,
    when=slots.under_lease,
    decide=slots.release_slot,
    always=True,
)

CORE = FlowRunTable(
    name="CoreFlowRun",
    enter=_enter,
    rules=(
        PRESERVE_LEASE,
        FlowRunRule(
            name="PreventDuplicate",
            froms=ANY_FROM - {None},
            decide=runs.prevent_duplicate,
        ),
        FlowRunRule(
            name="TerminalProtection",
            froms=TERMINAL_STATES,
            decide=runs.protect_terminal,
        ),
        FlowRunRule(
            name="CancellingOnlyToCancelled",
            froms=frozenset({CANCELLING}),
            tos=ANY_TO - {CANCELLED},
            decide=runs.only_to_cancelled,
        ),
        BYPASS_CANCELLING,
        FlowRunRule(
            name="PreventPending",
            froms=frozenset({PENDING, CANCELLING, RUNNING, CANCELLED}),
            tos=frozenset({PENDING}),
            decide=common.prevent_pending,
        ),
        FlowRunRule(
            name="ValidateLease",
            froms=frozenset({PENDING}),
            tos=frozenset({RUNNING}),
            when=slots.renews_lease,
            needs=Needs.DEPLOYMENT | Needs.LEASE,
            decide=slots.validate_lease,
        ),
        FlowRunRule(
            name="HeedEarlierRun",
            froms=frozenset({SCHEDULED}),
            tos=frozenset({PENDING, RUNNING}),
            when=overlaps.is_planned,
            needs=Needs.OVERLAP,
            decide=overlaps.heed_earlier_run,
        ),
        FlowRunRule(
            name="SecureSlot",
            froms=ANY_FROM - HOLDING_A_SLOT,
            tos=frozenset({PENDING}),
            when=slots.takes_slot,
            needs=Needs.DEPLOYMENT,
            decide=slots.secure_slot,
        ),
        FlowRunRule(
            name="KeepLeaseOfOldClient",
            froms=frozenset({PENDING}),
            tos=frozenset({RUNNING, CANCELLING}),
            when=slots.cannot_renew_lease,
            decide=slots.keep_lease,
        ),
        ONLY_SCHEDULED_LATE,
        FlowRunRule(
            name="Pausing",
            tos=frozenset({PAUSED}),
            decide=runs.pause,
        ),
        FlowRunRule(
            name="Resuming",
            froms=frozenset({PAUSED}),
            tos=ANY_TO - {PAUSED, CANCELLING},
            decide=runs.resume,
        ),
        FlowRunRule(
            name="CopyScheduledTime",
            froms=frozenset({SCHEDULED}),
            tos=frozenset({PENDING}),
            decide=common.copy_scheduled_time,
        ),
        FlowRunRule(
            name="WaitForScheduledTime",
            froms=frozenset({SCHEDULED, PENDING}),
            tos=frozenset({RUNNING}),
            decide=common.wait_for_scheduled_time,
        ),
        FlowRunRule(
            name="RetryFailedFlows",
            froms=frozenset({RUNNING}),
            tos=frozenset({FAILED}),
            decide=runs.retry_failed_flow,
        ),
        *NEWS,
        RELEASE_SLOT,
    ),
)

FORCED = FlowRunTable(
    name="ForcedFlowRun",
    enter=_enter,
    rules=(
        PRESERVE_LEASE,
        FlowRunRule(
            name="PreventResultDataLoss",
            froms=frozenset({COMPLETED}),
            tos=frozenset({COMPLETED}),
            decide=runs.prevent_result_loss,
        ),
        BYPASS_CANCELLING,
        *NEWS,
        RELEASE_SLOT,
    ),
)
"""What even `force` does not get past; also the policy of a run that is being made."""

RETRY_ELSEWHERE = FlowRunRule(
    name="RetryElsewhere",
    froms=frozenset({SCHEDULED}),
    tos=frozenset({SCHEDULED}),
    decide=runs.retry_elsewhere,
)
LOST = FlowRunTable(
    name="LostFlowRun",
    enter=_enter,
    rules=(
        PRESERVE_LEASE,
        RETRY_ELSEWHERE,
        *NEWS,
        RELEASE_SLOT,
    ),
)
"""The policy of the service that notices lost runs."""

LOST_AND_RESCHEDULED = FlowRunTable(
    name="LostAndRescheduledFlowRun",
    enter=_enter,
    rules=(
        PRESERVE_LEASE,
        FlowRunRule(
            name="RescheduleLost",
            froms=frozenset({RUNNING}),
            tos=frozenset({CRASHED}),
            when=runs.may_begin_elsewhere,
            decide=runs.reschedule_lost,
        ),
        RETRY_ELSEWHERE,
        *NEWS,
        RELEASE_SLOT,
    ),
)
"""The same where lost runs that have retries left begin anew."""

MARK_LATE = FlowRunTable(
    name="MarkLateFlowRun",
    enter=_enter,
    rules=(
        ONLY_SCHEDULED_LATE,
        FlowRunRule(
            name="CancelNewWhenLate",
            froms=frozenset({SCHEDULED}),
            tos=frozenset({SCHEDULED}),
            when=slots.has_deployment,
            needs=Needs.DEPLOYMENT,
            decide=slots.cancel_new_when_late,
        ),
        FlowRunRule(
            name="SkipLateRun",
            froms=frozenset({SCHEDULED}),
            tos=frozenset({SCHEDULED}),
            when=overlaps.is_planned,
            needs=Needs.OVERLAP,
            decide=overlaps.skip_late_run,
        ),
        *NEWS,
    ),
)
"""The policy of the service that marks overdue runs Late."""

GIVE_WAY = FlowRunTable(
    name="GiveWayFlowRun",
    enter=_enter,
    rules=(
        FlowRunRule(
            name="OnlyWaiting",
            froms=ANY_FROM - {SCHEDULED},
            decide=overlaps.only_waiting,
        ),
        *NEWS,
    ),
)
"""The policy of runs that are skipped because of others of their schedule or deployment."""
