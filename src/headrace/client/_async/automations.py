"""Calls about automations (contract §8)."""

from uuid import UUID

from headrace.client import calls
from headrace.client._async.base import Part
from headrace.wire.automations import Automation, AutomationCreate, AutomationPartialUpdate, AutomationUpdate
from headrace.wire.errors import ObjectNotFound
from headrace.wire.filters import AutomationFilter, AutomationFilterName
from headrace.wire.sorts import AutomationSort


class AutomationCalls(Part):
    """An automation acts when its trigger fires."""

    async def create_automation(self, automation: AutomationCreate) -> UUID:
        """Make an automation and give its id. Raises `Unprocessable` for one that would set itself off for ever."""
        return (await self._call("POST", "/automations/", Automation, body=automation)).id

    async def update_automation(self, automation_id: UUID, automation: AutomationUpdate) -> None:
        """Put all of an automation in the place of what it was. Raises `ObjectNotFound`."""
        await self._tell("PUT", f"/automations/{automation_id}", body=automation)

    async def pause_automation(self, automation_id: UUID) -> None:
        """Keep an automation from acting. Raises `ObjectNotFound`."""
        await self._tell("PATCH", f"/automations/{automation_id}", body=AutomationPartialUpdate(enabled=False))

    async def resume_automation(self, automation_id: UUID) -> None:
        """Let an automation act. Raises `ObjectNotFound`."""
        await self._tell("PATCH", f"/automations/{automation_id}", body=AutomationPartialUpdate(enabled=True))

    async def delete_automation(self, automation_id: UUID) -> None:
        """Delete an automation; the history of its firings stays. Raises `ObjectNotFound`."""
        await self._tell("DELETE", f"/automations/{automation_id}")

    async def read_automation(self, automation_id: UUID | str) -> Automation:
        """One automation. Raises `ObjectNotFound`."""
        return await self._call("GET", f"/automations/{calls.part(str(automation_id))}", Automation)

    async def read_automations(
        self,
        *,
        automations: AutomationFilter | None = None,
        sort: AutomationSort | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Automation]:
        """Automations that match, by name; all of them, page by page, unless there is a limit."""
        body = {"automations": automations, "sort": sort}
        return await self._list("/automations/filter", Automation, body, limit=limit, offset=offset)

    async def count_automations(self, *, automations: AutomationFilter | None = None) -> int:
        """How many automations match."""
        return await self._count("/automations/count", {"automations": automations})

    async def read_automations_by_name(self, name: str) -> list[Automation]:
        """The automations of that name; several may have it."""
        return await self.read_automations(automations=AutomationFilter(name=AutomationFilterName(any_=[name])))

    async def find_automation(self, id_or_name: str | UUID) -> Automation | None:
        """The automation of that id, else the first of that name, else None."""
        if (id_ := _as_id(id_or_name)) is not None:
            try:
                return await self.read_automation(id_)
            except ObjectNotFound:
                pass
        found = await self.read_automations_by_name(str(id_or_name))
        return found[0] if found else None

    async def read_resource_related_automations(self, resource_id: str) -> list[Automation]:
        """The automations that look for a resource, act on it or belong to it."""
        return await self._call("GET", f"/automations/related-to/{calls.part(resource_id)}", list[Automation])

    async def delete_resource_owned_automations(self, resource_id: str) -> None:
        """Delete the automations that belong to a resource, such as `prefect.deployment.<id>`."""
        await self._tell("DELETE", f"/automations/owned-by/{calls.part(resource_id)}")


def _as_id(text: str | UUID) -> UUID | None:
    if isinstance(text, UUID):
        return text
    try:
        return UUID(text)
    except ValueError:
        return None
