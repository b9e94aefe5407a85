"""Nouns of few rows that are marked and nothing more: flows, variables, block documents, automations."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.automations import service as automations
from headrace.server.blocks.documents import service as block_documents
from headrace.server.flows import service as flows
from headrace.server.store.base import Connection, Topic
from headrace.server.trash import marking
from headrace.server.trash.marking import IDS
from headrace.server.trash.outcomes import Changed
from headrace.server.variables import service as variables


class Named(msgspec.Struct, frozen=True):
    """A noun by its table; `deleting` tells of rows that are about to be deleted, `topic` is who keeps copies."""

    table: str
    deleting: Callable[[Connection, Sequence[UUID], datetime], Awaitable[None]]
    topic: Topic | None = None

    async def remove(
        self, transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime
    ) -> Changed:
        """Delete the objects of these that are live."""
        live = await marking.lock_live(transaction, self.table, ids)
        if live:
            await self.deleting(transaction, live, moment)
        rows = await marking.mark(transaction, self.table, live, moment, operation_id)
        return self._changed(transaction, IDS.all(rows, transaction.dialect))

    async def restore(
        self, transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime
    ) -> Changed:
        """Give back the objects of these that the operation has deleted."""
        rows = await marking.clear(transaction, self.table, ids, operation_id)
        return self._changed(transaction, IDS.all(rows, transaction.dialect))

    def _changed(self, transaction: Connection, ids: list[UUID]) -> Changed:
        if ids and self.topic is not None:
            transaction.announce(self.topic)
        return Changed(ids, {self.table: len(ids)})


FLOWS = Named("flows", flows.deleting, Topic.NAMES)
VARIABLES = Named("variables", variables.deleting)
BLOCK_DOCUMENTS = Named("block_documents", block_documents.deleting)
AUTOMATIONS = Named("automations", automations.deleting, Topic.AUTOMATIONS)
