"""Actions: what an automation does when it fires (contract §8). Their `type` tells them apart."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

import msgspec

from headrace.wire.base import Wire
from headrace.wire.states import StateType
from headrace.wire.triggers import Seconds, seconds_of

if TYPE_CHECKING:
    Payload = str
else:
    # An object is a template too: it is kept as its text.
    Payload = str | dict[str, Any]


class Source(StrEnum):
    """Selected: the action names its target. Inferred: the target is found in the event that caused it."""

    selected = "selected"
    inferred = "inferred"


class BaseAction(Wire, kw_only=True, tag_field="type"):
    """What all actions have."""

    @property
    def type(self) -> str:
        """The name of the kind, such as `run-deployment`."""
        return cast("str", self.__struct_config__.tag)


class TargetedAction(BaseAction, kw_only=True):
    """An action on an object that is named by id, or found in the event."""

    noun: ClassVar[str]
    source: Source = Source.selected

    def __post_init__(self) -> None:
        """An id is given if, and only if, the target is selected."""
        key = f"{self.noun.replace('-', '_')}_id"
        if self.source is Source.selected and self.selected_id is None:
            raise ValueError(f"{key} is required with source 'selected'")
        if self.source is Source.inferred and self.selected_id is not None:
            raise ValueError(f"{key} is not allowed with source 'inferred'")

    @property
    def selected_id(self) -> UUID | None:
        """The target's id, or None if it is to be found in the event."""
        raise NotImplementedError


class DeploymentAction(TargetedAction, kw_only=True):
    noun = "deployment"
    deployment_id: UUID | None = None

    @property
    def selected_id(self) -> UUID | None:
        return self.deployment_id


class WorkPoolAction(TargetedAction, kw_only=True):
    noun = "work-pool"
    work_pool_id: UUID | None = None

    @property
    def selected_id(self) -> UUID | None:
        return self.work_pool_id


class WorkQueueAction(TargetedAction, kw_only=True):
    noun = "work-queue"
    work_queue_id: UUID | None = None

    @property
    def selected_id(self) -> UUID | None:
        return self.work_queue_id


class AutomationAction(TargetedAction, kw_only=True):
    noun = "automation"
    automation_id: UUID | None = None

    @property
    def selected_id(self) -> UUID | None:
        return self.automation_id


class DoNothing(BaseAction, kw_only=True, tag="do-nothing"):
    """Only leave a trace: its events show that the automation fired."""


class RunDeployment(DeploymentAction, kw_only=True, tag="run-deployment"):
    """Run a deployment, `schedule_after` seconds from now. Strings among the parameters may be templates."""

    parameters: dict[str, Any] | None = None
    job_variables: dict[str, Any] | None = None
    schedule_after: Seconds = 0.0

    def __post_init__(self) -> None:
        """A run is not scheduled before its cause."""
        super().__post_init__()
        self.schedule_after = seconds_of(self.schedule_after)
        if self.schedule_after < 0:
            raise ValueError("schedule_after must be non-negative")


class PauseDeployment(DeploymentAction, kw_only=True, tag="pause-deployment"):
    """Stop a deployment's schedules, and take its scheduled runs away."""


class ResumeDeployment(DeploymentAction, kw_only=True, tag="resume-deployment"):
    """Let a deployment's schedules make runs again."""


class CancelFlowRun(BaseAction, kw_only=True, tag="cancel-flow-run"):
    """Cancel the flow run that the event is about."""


class DeleteFlowRun(BaseAction, kw_only=True, tag="delete-flow-run"):
    """Delete the flow run that the event is about."""


class ChangeFlowRunState(BaseAction, kw_only=True, tag="change-flow-run-state"):
    """Propose a state for the flow run that the event is about; `force` passes over the rules."""

    name: str | None = None
    state: StateType
    message: str | None = None
    force: bool = False


class SuspendFlowRun(BaseAction, kw_only=True, tag="suspend-flow-run"):
    """Suspend the flow run that the event is about, for an hour at most."""


class ResumeFlowRun(BaseAction, kw_only=True, tag="resume-flow-run"):
    """Resume the flow run that the event is about."""


class PauseWorkQueue(WorkQueueAction, kw_only=True, tag="pause-work-queue"):
    """Hand out no more runs of a work queue."""


class ResumeWorkQueue(WorkQueueAction, kw_only=True, tag="resume-work-queue"):
    """Hand out the runs of a work queue again."""


class PauseWorkPool(WorkPoolAction, kw_only=True, tag="pause-work-pool"):
    """Hand out no more runs of a work pool."""


class ResumeWorkPool(WorkPoolAction, kw_only=True, tag="resume-work-pool"):
    """Hand out the runs of a work pool again."""


class PauseAutomation(AutomationAction, kw_only=True, tag="pause-automation"):
    """Keep an automation from firing."""


class ResumeAutomation(AutomationAction, kw_only=True, tag="resume-automation"):
    """Let an automation fire again."""


class SendNotification(BaseAction, kw_only=True, tag="send-notification"):
    """Send a message by the notification block of that id. Subject and body are templates."""

    block_document_id: UUID
    subject: str = "Prefect automated notification"
    body: str


class CallWebhook(BaseAction, kw_only=True, tag="call-webhook"):
    """Call the webhook that the block of that id describes; the payload is a template of JSON."""

    block_document_id: UUID
    payload: Payload = ""

    def __post_init__(self) -> None:
        """A payload given as an object is kept as its text."""
        given = cast("str | dict[str, Any]", self.payload)
        if not isinstance(given, str):
            self.payload = msgspec.json.format(msgspec.json.encode(given)).decode()


Action = (
    DoNothing
    | RunDeployment
    | PauseDeployment
    | ResumeDeployment
    | CancelFlowRun
    | DeleteFlowRun
    | ChangeFlowRunState
    | PauseWorkQueue
    | ResumeWorkQueue
    | SendNotification
    | CallWebhook
    | PauseAutomation
    | ResumeAutomation
    | SuspendFlowRun
    | ResumeFlowRun
    | PauseWorkPool
    | ResumeWorkPool
)
