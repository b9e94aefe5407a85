"""`Automation`: made, read, changed and deleted from code (contract §8)."""

from __future__ import annotations

from typing import Any, Self, TypeVar
from uuid import UUID

import msgspec

from headrace.sdk.dispatch import SUSPENDING, api, dispatch
from headrace.sdk.drivers import Driver
from headrace.wire import automations as wire
from headrace.wire.actions import Action
from headrace.wire.automations import AutomationCreate, AutomationUpdate
from headrace.wire.errors import DefinitionError, ObjectNotFound
from headrace.wire.triggers import Trigger

AutomationT = TypeVar("AutomationT", bound="Automation")


class AutomationCore(msgspec.Struct, kw_only=True):
    """What an automation is: when it acts (`trigger`), and what it does (`actions`).

    `actions_on_trigger` are taken after `actions`. With an `owner_resource`, such as `prefect.deployment.<id>`, it is
    deleted with that.
    """

    name: str
    description: str = ""
    enabled: bool = True
    tags: list[str] = []
    trigger: Trigger
    actions: list[Action]
    actions_on_trigger: list[Action] = []
    actions_on_resolve: list[Action] = []
    owner_resource: str | None = None

    def as_created(self) -> AutomationCreate:
        """What makes it."""
        return AutomationCreate(**_values(self, AutomationCreate))


class Automation(AutomationCore, kw_only=True):
    """An automation; `id` is None until it is created. In async code its methods are awaited, those named `a…` always.

    >>> from headrace.automations import Automation, CancelFlowRun, EventTrigger
    >>> late = EventTrigger(
    ...     expect={"prefect.flow-run.Completed"}, after={"prefect.flow-run.Running"},
    ...     for_each={"prefect.resource.id"}, posture="Proactive", within=3600,
    ... )
    >>> Automation(name="an hour is enough", trigger=late, actions=[CancelFlowRun()]).create()
    """

    id: UUID | None = None

    def create(self) -> Any:
        """Make it; gives itself, with its id. Raises `Unprocessable` for one that would set itself off for ever."""
        return dispatch(_create, self)

    async def acreate(self) -> Self:
        """`create`, always awaited."""
        return await _create(SUSPENDING, self)

    @classmethod
    def read(cls, id: UUID | None = None, name: str | None = None) -> Any:
        """The automation of that id, or of that name. Raises `ObjectNotFound`, and `DefinitionError` without either."""
        return dispatch(_read, cls, id, name)

    @classmethod
    async def aread(cls, id: UUID | None = None, name: str | None = None) -> Self:
        """`read`, always awaited."""
        return await _read(SUSPENDING, cls, id, name)

    def update(self) -> Any:
        """Make the API's automation as this one is. Raises `ObjectNotFound`."""
        return dispatch(_update, self)

    async def aupdate(self) -> None:
        """`update`, always awaited."""
        await _update(SUSPENDING, self)

    def delete(self) -> Any:
        """Delete it; False if it was gone already."""
        return dispatch(_delete, self)

    async def adelete(self) -> bool:
        """`delete`, always awaited."""
        return await _delete(SUSPENDING, self)

    def enable(self) -> Any:
        """Let it act; False if it is gone."""
        return dispatch(_enable, self, True)

    async def aenable(self) -> bool:
        """`enable`, always awaited."""
        return await _enable(SUSPENDING, self, True)

    def disable(self) -> Any:
        """Keep it from acting; False if it is gone."""
        return dispatch(_enable, self, False)

    async def adisable(self) -> bool:
        """`disable`, always awaited."""
        return await _enable(SUSPENDING, self, False)


async def _create(driver: Driver, automation: AutomationT) -> AutomationT:
    automation.id = await driver.call(api().create_automation, automation.as_created())
    return automation


async def _read(driver: Driver, kind: Any, id_: UUID | None, name: str | None) -> Any:
    if (id_ is None) == (name is None):
        raise DefinitionError("An automation is read by its id or by its name: give one of them.")
    found = await driver.call(api().read_automation, id_) if id_ is not None else await _named(driver, str(name))
    return kind(id=found.id, **_values(found, AutomationUpdate))


async def _named(driver: Driver, name: str) -> wire.Automation:
    found = await driver.call(api().read_automations_by_name, name)
    if not found:
        raise ObjectNotFound(f"There is no automation named {name!r}.")
    return found[0]


async def _update(driver: Driver, automation: Automation) -> None:
    body = AutomationUpdate(**_values(automation, AutomationUpdate))
    await driver.call(api().update_automation, _id_of(automation), body)


async def _delete(driver: Driver, automation: Automation) -> bool:
    return await _there(driver, api().delete_automation, _id_of(automation))


async def _enable(driver: Driver, automation: Automation, enabled: bool) -> bool:
    change = api().resume_automation if enabled else api().pause_automation
    there = await _there(driver, change, _id_of(automation))
    automation.enabled = enabled
    return there


async def _there(driver: Driver, act: Any, id_: UUID) -> bool:
    try:
        await driver.call(act, id_)
    except ObjectNotFound:
        return False
    return True


def _id_of(automation: Automation) -> UUID:
    if automation.id is None:
        raise DefinitionError(f"The automation {automation.name!r} has no id yet: create() it, or read() it.")
    return automation.id


def _values(automation: msgspec.Struct, kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The values that both have."""
    return {name: getattr(automation, name) for name in kind.__struct_fields__ if hasattr(automation, name)}
