"""Triggers as users' code says them, and those of deployments, which run the deployment when they fire (contract §8).

They are the API's own with what code may leave out: a trigger reacts unless its posture says otherwise, and times may
be timedeltas.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal, cast
from uuid import UUID

import msgspec

from headrace.wire import triggers as wire
from headrace.wire.actions import Action, RunDeployment, Source
from headrace.wire.automations import AutomationCreate
from headrace.wire.errors import DefinitionError
from headrace.wire.triggers import Posture, Trigger

_Require = int | Literal["any", "all"]


class EventTrigger(wire.EventTrigger, kw_only=True, tag="event"):
    """Fires when events come, or proactively when they fail to come within some time.

    >>> EventTrigger(expect={"prefect.flow-run.Failed"}, match={"prefect.resource.id": "prefect.flow-run.*"})
    """

    posture: Posture = Posture.Reactive

    def __post_init__(self) -> None:
        """What was given becomes what the API takes."""
        self.posture = Posture(self.posture)
        self.within = _seconds(self.within)
        super().__post_init__()


class CompoundTrigger(wire.CompoundTrigger, kw_only=True, tag="compound"):
    """Fires when some of its triggers have fired within some time, in any order: `require` says how many."""

    within: float | None = None
    require: _Require = "all"

    def __post_init__(self) -> None:
        """What was given becomes what the API takes."""
        self.within = _seconds(self.within)
        super().__post_init__()


class SequenceTrigger(wire.SequenceTrigger, kw_only=True, tag="sequence"):
    """Fires when its triggers have fired within some time, in the order they are given in."""

    within: float | None = None

    def __post_init__(self) -> None:
        """What was given becomes what the API takes."""
        self.within = _seconds(self.within)
        super().__post_init__()


class DeploymentTrigger(msgspec.Struct, kw_only=True):
    """What a trigger of a deployment has besides: how the automation is called, and what the deployment is run with.

    `parameters` may hold templates such as `"{{ event.resource.id }}"`; `schedule_after` delays the run.
    """

    name: str | None = None
    description: str = ""
    enabled: bool = True
    parameters: dict[str, Any] | None = None
    job_variables: dict[str, Any] | None = None
    schedule_after: Any = 0.0
    _deployment_id: UUID | None = None

    @property
    def trigger(self) -> Trigger:
        """The trigger as the API takes it."""
        raise NotImplementedError

    def set_deployment_id(self, deployment_id: UUID) -> None:
        """Say which deployment is run."""
        self._deployment_id = deployment_id

    def owner_resource(self) -> str:
        """What the automation belongs to: it is replaced and deleted with the deployment."""
        return f"prefect.deployment.{self._known_id()}"

    def actions(self) -> list[Action]:
        """Run the deployment."""
        return [
            RunDeployment(
                source=Source.selected,
                deployment_id=self._known_id(),
                parameters=self.parameters,
                job_variables=self.job_variables,
                schedule_after=_seconds(self.schedule_after) or 0.0,
            )
        ]

    def as_automation(self) -> AutomationCreate:
        """The automation as the API takes it. Raises `DefinitionError` before the deployment is known."""
        return AutomationCreate(
            name=self.name or f"Automation for deployment {self._known_id()}",
            description=self.description,
            enabled=self.enabled,
            trigger=self.trigger,
            actions=self.actions(),
            owner_resource=self.owner_resource(),
        )

    def _known_id(self) -> UUID:
        if self._deployment_id is None:
            raise DefinitionError("A deployment's trigger needs the deployment: call set_deployment_id() first.")
        return self._deployment_id


class DeploymentEventTrigger(DeploymentTrigger, kw_only=True):
    """Runs a deployment when events come, or fail to come; see `EventTrigger`.

    >>> DeploymentEventTrigger(
    ...     expect=["s3.object.created"], parameters={"key": "{{ event.resource.id }}"}
    ... )
    """

    type: Literal["event"] = "event"
    match: dict[str, Any] = {}
    match_related: Any = {}
    after: Any = ()
    expect: Any = ()
    for_each: Any = ()
    posture: Posture = Posture.Reactive
    threshold: int = 1
    within: Any = 0.0

    @property
    def trigger(self) -> Trigger:
        return EventTrigger(
            match=self.match,
            match_related=self.match_related,
            after=self.after,
            expect=self.expect,
            for_each=self.for_each,
            posture=self.posture,
            threshold=self.threshold,
            within=self.within,
        )


class DeploymentCompoundTrigger(DeploymentTrigger, kw_only=True):
    """Runs a deployment when some of several triggers have fired; see `CompoundTrigger`."""

    type: Literal["compound"] = "compound"
    triggers: list[Any]
    within: Any = None
    require: _Require = "all"

    @property
    def trigger(self) -> Trigger:
        return CompoundTrigger(triggers=_children(self.triggers), within=self.within, require=self.require)


class DeploymentSequenceTrigger(DeploymentTrigger, kw_only=True):
    """Runs a deployment when several triggers have fired in order; see `SequenceTrigger`."""

    type: Literal["sequence"] = "sequence"
    triggers: list[Any]
    within: Any = None

    @property
    def trigger(self) -> Trigger:
        return SequenceTrigger(triggers=_children(self.triggers), within=self.within)


DeploymentTriggerTypes = DeploymentEventTrigger | DeploymentCompoundTrigger | DeploymentSequenceTrigger
_OF_DEPLOYMENTS: Mapping[str, type[DeploymentTrigger]] = {
    "event": DeploymentEventTrigger,
    "compound": DeploymentCompoundTrigger,
    "sequence": DeploymentSequenceTrigger,
}


def deployment_trigger(given: DeploymentTrigger | Mapping[str, Any]) -> DeploymentTrigger:
    """A trigger of a deployment from what a file says, such as `{"type": "event", "expect": ["order.shipped"]}`.

    Raises `DefinitionError`.
    """
    if isinstance(given, DeploymentTrigger):
        return given
    kind = str(given.get("type", "event"))
    if kind not in _OF_DEPLOYMENTS:
        raise DefinitionError(f"There is no trigger of the type {kind!r}: it is one of {', '.join(_OF_DEPLOYMENTS)}.")
    try:
        made = _OF_DEPLOYMENTS[kind](**dict(given))
        made.trigger  # noqa: B018 # says now what is wrong with it
    except (TypeError, ValueError, msgspec.ValidationError) as error:
        raise DefinitionError(f"The {kind} trigger is not whole: {error}") from error
    return made


def _children(given: list[Any]) -> list[Trigger]:
    return [cast("Trigger", each) if isinstance(each, wire.BaseTrigger) else _child(each) for each in given]


def _child(given: Mapping[str, Any]) -> Trigger:
    """A trigger within a trigger, from what a file says."""
    fields: dict[str, Any] = {name: value for name, value in given.items() if name != "type"}
    if "triggers" in fields:
        fields["triggers"] = _children(fields["triggers"])
    match given.get("type", "event"):
        case "event":
            return EventTrigger(**fields)
        case "compound":
            return CompoundTrigger(**fields)
        case "sequence":
            return SequenceTrigger(**fields)
        case kind:
            raise DefinitionError(f"There is no trigger of the type {kind!r}.")


def _seconds(given: Any) -> Any:
    return given.total_seconds() if isinstance(given, timedelta) else given
