"""The automations that are switched on, read again whenever they have changed, on whichever server."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.rules.triggers.plans import Plan, Watch
from headrace.server.automations import service
from headrace.server.automations.evaluation import queries
from headrace.server.store.base import Connection, Row
from headrace.wire.automations import Automation


class CurrentPlan:
    """What is looked for at present. `refresh` costs one short statement while nothing has changed."""

    def __init__(self) -> None:
        self.plan = Plan([])
        self._beginnings: Mapping[UUID, _Beginning] = {}
        self._revision: Row | None = None

    async def refresh(self, connection: Connection) -> Plan:
        """The plan of all automations that are committed by now."""
        revision = await connection.fetch_one(queries.REVISION)
        if revision != self._revision:
            automations = await service.enabled(connection)
            self._beginnings = {one.id: await self._beginning(connection, one) for one in automations}
            self.plan = Plan(automations)
            self._revision = revision
        return self.plan

    def sees(self, watch: Watch, seq: int) -> bool:
        """Whether an event with that number in the log came after the automation was made or last changed."""
        return seq > self._beginnings[watch.automation.id].seq

    async def _beginning(self, connection: Connection, automation: Automation) -> "_Beginning":
        known = self._beginnings.get(automation.id)
        if known is not None and known.changed == automation.updated:
            return known
        resource = f"prefect.automation.{automation.id}"
        row = await connection.fetch_one(queries.BEGINNING, resource, automation.updated)
        return _Beginning(automation.updated, row[0] if row is not None and row[0] is not None else 0)


class _Beginning(msgspec.Struct, frozen=True):
    """Where in the log an automation was last changed.

    By number and not by time: an event that is sent once the change was acknowledged has a higher one, on whichever
    server and whatever its clock says.
    """

    changed: datetime | None
    seq: int
