"""The automations that are switched on, read again whenever they have changed, on whichever server."""

from collections.abc import Mapping
from uuid import UUID

from headrace.rules.triggers.plans import Plan, Watch
from headrace.server.automations import service
from headrace.server.automations.evaluation import queries
from headrace.server.store.base import Connection, Row
from headrace.wire.automations import Automation


class CurrentPlan:
    """What is looked for at present. `refresh` costs one short statement while nothing has changed."""

    def __init__(self) -> None:
        self.plan = Plan([])
        self._since: Mapping[UUID, int] = {}
        self._revision: Row | None = None

    async def refresh(self, connection: Connection) -> Plan:
        """The plan of all automations that are committed by now."""
        revision = await connection.fetch_one(queries.REVISION)
        if revision != self._revision:
            automations = await service.enabled(connection)
            self._since = await _since(connection, automations)
            self.plan = Plan(automations)
            self._revision = revision
        return self.plan

    def sees(self, watch: Watch, seq: int) -> bool:
        """Whether an event with that number in the log came after the automation was made or last changed."""
        return seq > self._since.get(watch.automation.id, 0)


async def _since(connection: Connection, automations: list[Automation]) -> dict[UUID, int]:
    """Where in the log each automation was last changed.

    By number and not by time: an event that is sent once the change was acknowledged has a higher one, on whichever
    server and whatever its clock says.
    """
    resources = {f"prefect.automation.{one.id}": one for one in automations}
    moments = [one.updated for one in automations]
    rows = await connection.fetch(queries.SINCE, list(resources), moments)
    found = queries.BEGINNINGS.all(rows, connection.dialect)
    return {resources[beginning.automation].id: beginning.seq for beginning in found}
