"""Automations: a trigger, and the actions to take when it fires (contract §8)."""

from datetime import datetime
from uuid import UUID

from headrace.wire.actions import Action, RunDeployment, Source
from headrace.wire.base import Body, Parts, Wire
from headrace.wire.events import RESOURCE_ID
from headrace.wire.filters import AutomationFilter, Filter
from headrace.wire.filters.events import ResourceSpecification
from headrace.wire.listings import Offset
from headrace.wire.sorts import AutomationSort
from headrace.wire.triggers import EventTrigger, Posture, Trigger

_STARTING = frozenset(f"prefect.flow-run.{state}" for state in ("Scheduled", "Pending", "Running", "*"))
"""The events that every run of a deployment brings about sooner or later."""
_ANY_RUN = frozenset(("*", "prefect.*", "prefect.flow-run.*"))


class Automation(Wire, kw_only=True):
    """An automation as it is answered. `actions` are taken once for each firing, `actions_on_trigger` after them."""

    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    name: str
    description: str = ""
    enabled: bool = True
    tags: list[str] = []
    trigger: Trigger
    actions: list[Action]
    actions_on_trigger: list[Action] = []
    actions_on_resolve: list[Action] = []

    @property
    def all_actions(self) -> list[Action]:
        """Every action that it may take."""
        return [*self.actions, *self.actions_on_trigger, *self.actions_on_resolve]


class AutomationUpdate(Body, kw_only=True):
    """All of an automation, to take the place of what it was."""

    name: str
    description: str = ""
    enabled: bool = True
    tags: list[str] = []
    trigger: Trigger
    actions: list[Action]
    actions_on_trigger: list[Action] = []
    actions_on_resolve: list[Action] = []

    def __post_init__(self) -> None:
        """What is enabled may not feed itself."""
        super().__post_init__()
        refuse_loops(self.enabled, self.trigger, self.actions)


class AutomationCreate(AutomationUpdate, kw_only=True):
    """`owner_resource` is what the automation belongs to, such as `prefect.deployment.<id>`, and is deleted with."""

    owner_resource: str | None = None


class AutomationPartialUpdate(Body, kw_only=True):
    """Let an automation fire, or keep it from it."""

    enabled: bool = True


class AutomationFilters(Parts, kw_only=True):
    automations: AutomationFilter | None = None

    def given(self) -> dict[str, Filter]:
        """The filter, by its noun, if one is given."""
        return {} if self.automations is None else {"automations": self.automations}


class AutomationList(AutomationFilters, kw_only=True):
    sort: AutomationSort = AutomationSort.NAME_ASC
    limit: int | None = None
    offset: Offset = 0


def refuse_loops(enabled: bool, trigger: Trigger, actions: list[Action]) -> None:
    """Raise `ValueError` if the runs that the automation makes would make it fire again, for ever."""
    if not (enabled and isinstance(trigger, EventTrigger) and trigger.posture is Posture.Reactive):
        return
    if _STARTING.isdisjoint(trigger.expect):
        return
    runs = [action for action in actions if isinstance(action, RunDeployment)]
    if any(action.source is Source.inferred for action in runs):
        raise ValueError(
            "Running an inferred deployment from a flow run state change event will lead to an infinite loop of flow"
            " runs. Please choose a specific deployment and add additional filtering labels to the match or"
            " match_related for this automation's trigger."
        )
    related = trigger.related or [{}]
    if runs and _broad(trigger.match) and any(_broad(specification) for specification in related):
        raise ValueError(
            "Running a selected deployment from a flow run state change event may lead to an infinite loop of flow"
            " runs. Please include additional filtering labels on either match or match_related to narrow down which"
            " flow runs will trigger this automation to exclude flow runs from the deployment you've selected."
        )


def _broad(specification: ResourceSpecification) -> bool:
    """Whether every flow run meets a specification."""
    if set(specification) - {RESOURCE_ID}:
        return False
    ids = specification.get(RESOURCE_ID, "*")
    return not _ANY_RUN.isdisjoint([ids] if isinstance(ids, str) else ids)
