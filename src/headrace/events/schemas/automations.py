"""Automations and their triggers."""

from headrace.sdk.automations import Automation, AutomationCore
from headrace.sdk.triggers import CompoundTrigger, EventTrigger, SequenceTrigger
from headrace.wire.triggers import Posture, Trigger

TriggerTypes = Trigger

__all__ = [
    "Automation",
    "AutomationCore",
    "CompoundTrigger",
    "EventTrigger",
    "Posture",
    "SequenceTrigger",
    "Trigger",
    "TriggerTypes",
]
