"""Which states a task run may enter through the API, in order of the rules that say so (contract §4.4).

Task runs inside flows are orchestrated by the SDK and only recorded; these policies are for background
tasks, for the task runs that track subflows, and for whoever sets a task run's state by hand.
"""

from headrace.rules import common_rules as common
from headrace.rules import task_run_rules as runs
from headrace.rules.bookkeeping import TaskRunChanges, enter_task_run
from headrace.rules.facts import Needs
from headrace.rules.runs import OrchestratedTaskRun
from headrace.rules.transitions import Amend, Policy, Rule
from headrace.wire.states import TERMINAL_STATES, State, StateType

TaskRunRule = Rule[OrchestratedTaskRun]
TaskRunTable = Policy[OrchestratedTaskRun, TaskRunChanges]

SCHEDULED, PENDING, RUNNING = StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING
CANCELLING, CANCELLED = StateType.CANCELLING, StateType.CANCELLED
COMPLETED, FAILED = StateType.COMPLETED, StateType.FAILED


def policy_for(force: bool, deferred: bool) -> TaskRunTable:
    """The policy that a proposed state meets; `deferred` is what its details say of it.

    Background tasks are delivered to workers by state, so `force` does not lift their policy.
    """
    if deferred:
        return BACKGROUND
    return FORCED if force else CORE


def _enter(run: OrchestratedTaskRun, state: State, amended: Amend) -> tuple[State, TaskRunChanges]:
    return enter_task_run(run, state, run_count=amended.run_count, flow_run_run_count=amended.flow_run_run_count)


CACHE_RETRIEVAL = TaskRunRule(
    name="CacheRetrieval",
    tos=frozenset({RUNNING}),
    when=runs.may_be_cached,
    needs=Needs.CACHED_STATE,
    decide=runs.retrieve_from_cache,
)
TASK_TERMINAL = TaskRunRule(
    name="TaskTerminal",
    froms=TERMINAL_STATES,
    decide=runs.protect_terminal,
)
COPY_SCHEDULED_TIME = TaskRunRule(
    name="CopyScheduledTime",
    froms=frozenset({SCHEDULED}),
    tos=frozenset({PENDING}),
    decide=common.copy_scheduled_time,
)
WAIT_FOR_SCHEDULED_TIME = TaskRunRule(
    name="WaitForScheduledTime",
    froms=frozenset({SCHEDULED, PENDING}),
    tos=frozenset({RUNNING}),
    decide=common.wait_for_scheduled_time,
)
RETRY_FAILED_TASKS = TaskRunRule(
    name="RetryFailedTasks",
    froms=frozenset({RUNNING}),
    tos=frozenset({FAILED}),
    decide=runs.retry_failed_task,
)
RENAME_RERUNS = TaskRunRule(
    name="RenameReruns",
    froms=runs.NOT_TERMINAL,
    tos=frozenset({RUNNING}),
    decide=runs.rename_rerun,
)
UPDATE_FLOW_RUN_TRACKER = TaskRunRule(
    name="UpdateFlowRunTracker",
    tos=frozenset({RUNNING}),
    when=runs.is_in_flow_run,
    needs=Needs.FLOW_RUN,
    decide=runs.track_flow_run,
)
CACHE_INSERTION = TaskRunRule(
    name="CacheInsertion",
    tos=frozenset({COMPLETED}),
    when=runs.has_cache_key,
    decide=runs.insert_into_cache,
)
RELEASE_TAG_SLOTS = TaskRunRule(
    name="ReleaseTagSlots",
    when=runs.has_tags,
    decide=runs.release_tag_slots,
    always=True,
)

CORE = TaskRunTable(
    name="CoreTaskRun",
    enter=_enter,
    rules=(
        CACHE_RETRIEVAL,
        TASK_TERMINAL,
        TaskRunRule(
            name="PreventRunningFromStoppedFlow",
            tos=frozenset({RUNNING}),
            when=runs.is_in_flow_run,
            needs=Needs.FLOW_RUN,
            decide=runs.prevent_running_from_stopped_flow,
        ),
        TaskRunRule(
            name="SecureTagSlots",
            tos=frozenset({RUNNING}),
            when=runs.has_tags,
            needs=Needs.TAG_LIMITS,
            decide=runs.secure_tag_slots,
        ),
        COPY_SCHEDULED_TIME,
        WAIT_FOR_SCHEDULED_TIME,
        RETRY_FAILED_TASKS,
        RENAME_RERUNS,
        UPDATE_FLOW_RUN_TRACKER,
        CACHE_INSERTION,
        RELEASE_TAG_SLOTS,
    ),
)

BACKGROUND = TaskRunTable(
    name="BackgroundTaskRun",
    enter=_enter,
    rules=(
        TaskRunRule(
            name="PreventPending",
            froms=frozenset({PENDING, CANCELLING, RUNNING, CANCELLED}),
            tos=frozenset({PENDING}),
            decide=common.prevent_pending,
        ),
        CACHE_RETRIEVAL,
        TASK_TERMINAL,
        COPY_SCHEDULED_TIME,
        TaskRunRule(
            name="CopyTaskParametersId",
            froms=frozenset({SCHEDULED, PENDING}),
            tos=frozenset({PENDING, RUNNING}),
            decide=runs.copy_task_parameters_id,
        ),
        WAIT_FOR_SCHEDULED_TIME,
        RETRY_FAILED_TASKS,
        RENAME_RERUNS,
        UPDATE_FLOW_RUN_TRACKER,
        CACHE_INSERTION,
        RELEASE_TAG_SLOTS,
        TaskRunRule(
            name="EnqueueScheduledTasks",
            decide=runs.enqueue,
            always=True,
        ),
    ),
)

FORCED = TaskRunTable(name="ForcedTaskRun", enter=_enter, rules=(RELEASE_TAG_SLOTS,))
"""What even `force` does not get past; also the policy of a run that is being made."""
