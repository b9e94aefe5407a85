"""What goes along with items of a delete, as items of its own, each once."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from headrace.server.operations import selection
from headrace.server.operations.items import Item
from headrace.server.operations.records import Record
from headrace.server.operations.selection import Selection
from headrace.server.store.base import Dialect, View
from headrace.server.trash import contents
from headrace.wire.operations import OperationKind, OperationNoun, Target

CONTAINERS = (OperationNoun.FLOWS, OperationNoun.DEPLOYMENTS)
"""What more can be made in until it is deleted itself."""
_EXPANDED = (*CONTAINERS, OperationNoun.FLOW_RUNS)


class Expanding:
    """Remembers what has gone along with earlier pages. `named` are the ids that the request named, 16 bytes each."""

    def __init__(self, dialect: Dialect, record: Record, named: bytes | None) -> None:
        self._dialect, self._record = dialect, record
        self._target = None if named is not None else msgspec.convert(record.target, Target)
        self._named = {named[at : at + 16] for at in range(0, len(named), 16)} if named is not None else None
        self._known: set[UUID] = set()

    async def page(self, view: View, ids: Sequence[UUID]) -> list[Item]:
        """These ids as items, and what goes along with them."""
        noun = self._record.noun
        items: list[Item] = [(noun, id) for id in ids]
        if self._record.kind is not OperationKind.DELETE or noun not in _EXPANDED or self._is_everything():
            return items
        found = await contents.related(view, noun, ids, children=self._record.options.children)
        new = [item for item in found if item[1] not in self._known]
        comes_anyway = await self._own(view, [id for of, id in new if of is noun])
        self._known.update(id for _, id in new)
        return items + [item for item in new if item[1] not in comes_anyway]

    def _is_everything(self) -> bool:
        """Whether what could go along comes by itself."""
        return self._record.noun is OperationNoun.FLOW_RUNS and self._target is not None and self._target.everything

    async def _own(self, view: View, ids: list[UUID]) -> set[UUID]:
        """Which of these match themselves, and are on some page."""
        if not ids:
            return set()
        if self._named is not None:
            return {id for id in ids if id.bytes in self._named}
        assert self._target is not None
        selected = Selection.of(self._record.kind, self._record.noun, self._target)
        statement, values = selected.bind(selection.AMONG, self._dialect, among=ids)
        return set(selection.IDS.all(await view.scan(statement, *values), self._dialect))
