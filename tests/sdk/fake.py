"""An API in memory, with just enough rules for the engine: it keeps what it is told, and answers as it is scripted."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from headrace.wire.concurrency import SlotLease
from headrace.wire.errors import ObjectNotFound
from headrace.wire.events import Event
from headrace.wire.flow_runs import FlowRun, FlowRunCreate
from headrace.wire.logs import LogCreate
from headrace.wire.orchestration import OrchestrationResult, SetStateStatus, StateAcceptDetails, StateRejectDetails
from headrace.wire.states import State, StateCreate, StateType
from headrace.wire.task_runs import TaskRun, TaskRunCreate
from headrace.wire.times import now

Answerer = Callable[[UUID, StateCreate], OrchestrationResult | Exception | None]


class FakeAPI:
    """What a flow run's engine talks to. `answer` may settle a proposal or raise; None leaves it to the rules."""

    def __init__(self) -> None:
        self.flows: dict[str, UUID] = {}
        self.flow_runs: dict[UUID, FlowRun] = {}
        self.states: dict[UUID, list[State]] = defaultdict(list)
        self.trackers: list[TaskRun] = []
        self.events: list[Event] = []
        self.logs: list[LogCreate] = []
        self.answer: Answerer = lambda _id, _state: None
        self.refuse_events: Callable[[], Exception | None] = lambda: None

    @property
    def only_run(self) -> FlowRun:
        (run,) = self.flow_runs.values()
        return run

    @property
    def task_run_events(self) -> list[Event]:
        """The events that say in which states task runs are."""
        return [event for event in self.events if event.event.startswith("prefect.task-run.")]

    def run_named(self, flow_name: str) -> FlowRun:
        (run,) = (run for run in self.flow_runs.values() if run.flow_id == self.flows[flow_name])
        return run

    def state_names(self, run: FlowRun) -> list[str]:
        return [state.name for state in self.states[run.id]]

    def task_states(self, task_name: str) -> list[list[str]]:
        """The state names of each run of a task, in the order in which the runs began."""
        runs: dict[str, list[str]] = defaultdict(list)
        for event in sorted(self.task_run_events, key=lambda event: event.occurred):
            if event.payload["task_run"].task_key.startswith(f"{task_name}-"):
                runs[event.resource["prefect.resource.id"]].append(event.resource["prefect.state-name"])
        return list(runs.values())

    def task_run_reports(self, state_name: str = "Completed") -> dict[str, Any]:
        """What the last event of that state said of each task run, by its name."""
        return {
            event.payload["task_run"].name: event.payload["task_run"]
            for event in self.task_run_events
            if event.resource["prefect.state-name"] == state_name
        }

    def create_flow_from_name(self, flow_name: str) -> UUID:
        return self.flows.setdefault(flow_name, uuid4())

    def post_flow_run(self, body: FlowRunCreate) -> FlowRun:
        assert body.state is not None
        run = FlowRun(
            id=uuid4(),
            name=body.name,
            flow_id=body.flow_id,
            flow_version=body.flow_version,
            parameters=body.parameters,
            tags=body.tags,
            parent_task_run_id=body.parent_task_run_id,
            empirical_policy=body.empirical_policy,
            idempotency_key=body.idempotency_key,
        )
        self.flow_runs[run.id] = run
        self._write(run, body.state)
        return FlowRun(**{name: getattr(run, name) for name in run.__struct_fields__})

    def post_task_run(self, body: TaskRunCreate) -> TaskRun:
        run = TaskRun(
            id=body.id or uuid4(),
            name=body.name,
            flow_run_id=body.flow_run_id,
            task_key=body.task_key,
            dynamic_key=body.dynamic_key,
            task_inputs=body.task_inputs,
        )
        self.trackers.append(run)
        return run

    def read_flow_run(self, flow_run_id: UUID) -> FlowRun:
        try:
            return self.flow_runs[flow_run_id]
        except KeyError:
            raise ObjectNotFound("Flow run not found") from None

    def set_flow_run_state(self, flow_run_id: UUID, state: StateCreate, force: bool = False) -> OrchestrationResult:
        scripted = self.answer(flow_run_id, state)
        if isinstance(scripted, Exception):
            raise scripted
        if scripted is not None:
            return scripted
        run = self.flow_runs[flow_run_id]
        policy = run.empirical_policy
        if state.type == StateType.FAILED and run.run_count <= (policy.retries or 0):
            due = now() + timedelta(seconds=policy.retry_delay or 0)
            retry = StateCreate(type=StateType.SCHEDULED, name="AwaitingRetry", message=state.message)
            retry.state_details.scheduled_time = due
            return OrchestrationResult(
                state=self._write(run, retry),
                status=SetStateStatus.REJECT,
                details=StateRejectDetails(reason="Retrying"),
            )
        return OrchestrationResult(
            state=self._write(run, state), status=SetStateStatus.ACCEPT, details=StateAcceptDetails()
        )

    def post_events(self, events: Iterable[Event]) -> None:
        if (error := self.refuse_events()) is not None:
            raise error
        self.events.extend(events)

    def create_logs(self, logs: Iterable[LogCreate]) -> None:
        self.logs.extend(logs)

    def increment_concurrency_slots_with_lease(
        self, names: list[str], slots: int, mode: str = "", lease_duration: float = 0, holder: Any = None
    ) -> SlotLease:
        """No name has a limit here."""
        return SlotLease(lease_id=uuid4(), limits=[])

    def _write(self, run: FlowRun, given: StateCreate) -> State:
        state = State(
            type=given.type,
            name=given.name or "",
            message=given.message,
            data=given.data,
            state_details=given.state_details,
        )
        run.state, run.state_type, run.state_name = state, state.type, state.name
        run.run_count += state.type == StateType.RUNNING
        self.states[run.id].append(state)
        return state
