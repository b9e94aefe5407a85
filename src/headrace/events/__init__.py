"""Events: something happened to a resource. Emit them, follow them, and let automations act on them.

>>> from headrace.events import emit_event
>>> emit_event("order.shipped", {"prefect.resource.id": "acme.order.17"})
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.events.clients import get_events_client as get_events_client
    from headrace.events.clients import get_events_subscriber as get_events_subscriber
    from headrace.sdk.automations import Automation as Automation
    from headrace.sdk.automations import AutomationCore as AutomationCore
    from headrace.sdk.emitting import emit_event as emit_event
    from headrace.sdk.event_types import Event as Event
    from headrace.sdk.event_types import ReceivedEvent as ReceivedEvent
    from headrace.sdk.event_types import RelatedResource as RelatedResource
    from headrace.sdk.event_types import Resource as Resource
    from headrace.sdk.event_types import ResourceSpecification as ResourceSpecification
    from headrace.sdk.triggers import CompoundTrigger as CompoundTrigger
    from headrace.sdk.triggers import DeploymentCompoundTrigger as DeploymentCompoundTrigger
    from headrace.sdk.triggers import DeploymentEventTrigger as DeploymentEventTrigger
    from headrace.sdk.triggers import DeploymentSequenceTrigger as DeploymentSequenceTrigger
    from headrace.sdk.triggers import DeploymentTriggerTypes as DeploymentTriggerTypes
    from headrace.sdk.triggers import EventTrigger as EventTrigger
    from headrace.sdk.triggers import SequenceTrigger as SequenceTrigger
    from headrace.wire.actions import Action as Action
    from headrace.wire.actions import CallWebhook as CallWebhook
    from headrace.wire.actions import CancelFlowRun as CancelFlowRun
    from headrace.wire.actions import ChangeFlowRunState as ChangeFlowRunState
    from headrace.wire.actions import DeleteFlowRun as DeleteFlowRun
    from headrace.wire.actions import DoNothing as DoNothing
    from headrace.wire.actions import PauseAutomation as PauseAutomation
    from headrace.wire.actions import PauseDeployment as PauseDeployment
    from headrace.wire.actions import PauseWorkPool as PauseWorkPool
    from headrace.wire.actions import PauseWorkQueue as PauseWorkQueue
    from headrace.wire.actions import ResumeAutomation as ResumeAutomation
    from headrace.wire.actions import ResumeDeployment as ResumeDeployment
    from headrace.wire.actions import ResumeFlowRun as ResumeFlowRun
    from headrace.wire.actions import ResumeWorkPool as ResumeWorkPool
    from headrace.wire.actions import ResumeWorkQueue as ResumeWorkQueue
    from headrace.wire.actions import RunDeployment as RunDeployment
    from headrace.wire.actions import SendNotification as SendNotification
    from headrace.wire.actions import SuspendFlowRun as SuspendFlowRun
    from headrace.wire.triggers import Posture as Posture
    from headrace.wire.triggers import Trigger as Trigger

_ACTIONS = (
    "Action CallWebhook CancelFlowRun ChangeFlowRunState DeleteFlowRun DoNothing PauseAutomation PauseDeployment "
    "PauseWorkPool PauseWorkQueue ResumeAutomation ResumeDeployment ResumeFlowRun ResumeWorkPool ResumeWorkQueue "
    "RunDeployment SendNotification SuspendFlowRun"
).split()
_TRIGGERS = (
    "CompoundTrigger DeploymentCompoundTrigger DeploymentEventTrigger DeploymentSequenceTrigger "
    "DeploymentTriggerTypes EventTrigger SequenceTrigger"
).split()
_TYPES = ("Event", "ReceivedEvent", "RelatedResource", "Resource", "ResourceSpecification")
_HOMES = {
    **dict.fromkeys(_ACTIONS, "headrace.wire.actions"),
    **dict.fromkeys(_TRIGGERS, "headrace.sdk.triggers"),
    **dict.fromkeys(_TYPES, "headrace.sdk.event_types"),
    **dict.fromkeys(("Posture", "Trigger"), "headrace.wire.triggers"),
    **dict.fromkeys(("Automation", "AutomationCore"), "headrace.sdk.automations"),
    **dict.fromkeys(("get_events_client", "get_events_subscriber"), "headrace.events.clients"),
    "emit_event": "headrace.sdk.emitting",
}

__all__ = sorted(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll] # the names above


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'headrace.events' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
