"""What goes along with items of a delete, as items of its own, each once."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from uuid import UUID

import msgspec

from headrace.server.operations import selection
from headrace.server.operations.items import Item
from headrace.server.operations.records import Record
from headrace.server.operations.selection import Selection
from headrace.server.store.base import View
from headrace.server.trash import contents
from headrace.wire.operations import OperationKind, OperationNoun, Target

CONTAINERS = (OperationNoun.FLOWS, OperationNoun.DEPLOYMENTS)
"""What more can be made in until it is deleted itself."""
_EXPANDED = (*CONTAINERS, OperationNoun.FLOW_RUNS)


class Expanding:
    """`named` are the ids that the request named, 16 bytes each; `size` is of the pages in which runs are read."""

    def __init__(self, record: Record, named: bytes | None, size: int) -> None:
        self._record, self._size = record, size
        self._target = None if named is not None else msgspec.convert(record.target, Target)
        self._named = {named[at : at + 16] for at in range(0, len(named), 16)} if named is not None else None

    async def pages(self, view: View, ids: Sequence[UUID]) -> AsyncIterator[Sequence[Item]]:
        """These ids as items, and what goes along with them; only that where they have been dealt with already."""
        record = self._record
        if not record.position:
            yield [(record.noun, id) for id in ids]
        if record.kind is not OperationKind.DELETE or record.noun not in _EXPANDED or self._is_everything():
            return
        meant, children = partial(self._meant, view), record.options.children
        async for page in contents.pages(view, record.noun, ids, children=children, size=self._size, meant=meant):
            yield page

    def _is_everything(self) -> bool:
        """Whether what could go along comes by itself."""
        return self._record.noun is OperationNoun.FLOW_RUNS and self._target is not None and self._target.everything

    async def _meant(self, view: View, ids: Sequence[UUID]) -> set[UUID]:
        """Which of these match themselves, and are on some page."""
        if self._named is not None:
            return {id for id in ids if id.bytes in self._named}
        assert self._target is not None
        selected = Selection.of(self._record.kind, self._record.noun, self._target)
        statement, values = selected.bind(selection.AMONG, view.dialect, among=list(ids))
        return set(selection.IDS.all(await view.scan(statement, *values), view.dialect))
