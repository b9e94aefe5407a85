"""Flow runs as they go out in lists: to be encoded and no more (see store/sending.py).

Whoever watches runs asks for the newest ones over and over. A run that is over says the same until its row is
written anew, and PostgreSQL tells that apart by the row's `xmin`, the transaction that wrote it. So there the first
page of an order is read as ids and `xmin`s, and only rows that are not remembered as just these are read whole.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec

from headrace.server.filters.listing import Given
from headrace.server.flow_runs import reading
from headrace.server.states.reading import complete_sent
from headrace.server.store.base import Dialect, Row, Statement, Store
from headrace.server.store.hidden import shown
from headrace.server.store.rows import RENDERED, Field, Kind, Reader
from headrace.server.store.sending import sender
from headrace.wire.base import encode
from headrace.wire.flow_runs import CreatedBy, FlowRun, FlowRunPolicy
from headrace.wire.sorts import FlowRunSort
from headrace.wire.states import TERMINAL_STATES

_CAPACITY = 2_000
_LONGEST = 16_384
"""Bytes: a run is remembered unless it is longer, so all of them take a few megabytes, and never more than 32."""

_VERSIONED = Statement(
    f"SELECT {reading.COLUMNS}, flow_runs.xmin FROM flow_runs {reading.WITH_STATE}"
    f" WHERE flow_runs.id = ANY($1::uuid[]) AND flow_runs.deleted_at IS NULL AND {shown('flow_runs.id')}"
)


async def send_runs(
    store: Store, filters: Given, sort: FlowRunSort, limit: int, offset: int, now: datetime
) -> list[Any]:
    """The runs that match, from `offset` on, estimated as of `now`."""
    if store.dialect is Dialect.POSTGRES and not filters and not offset:
        places = await reading.LISTING.first_versions(store, sort, limit)
        if places is not None:
            return await _rendered_of(store).runs(store, places, now)
    return await _built(store, await reading.LISTING.rows(store, filters, sort, limit, offset), now)


async def _built(store: Store, rows: Sequence[Row], now: datetime) -> list[Any]:
    """The runs of rows with a run's columns and its state's."""
    found = _sender().all([row[: reading.WIDTH] for row in rows], store.dialect)
    complete_sent(found, rows, reading.WIDTH, store.dialect, now)
    await reading.name_pools(store, found)
    return found


@cache
def _sender() -> Reader[Any]:
    rendered: dict[str, Field] = {"empirical_policy": RENDERED(FlowRunPolicy), "created_by": RENDERED(CreatedBy)}
    return sender(FlowRun, reading.FIELDS, **rendered, work_queue_id=Kind.UUID)


class _Rendered:
    """Runs that are over, as JSON, each with the `xmin` of its row; the one sent longest ago is forgotten first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[UUID, tuple[int, msgspec.Raw]] = OrderedDict()

    async def runs(self, store: Store, places: Sequence[Row], now: datetime) -> list[msgspec.Raw]:
        """The runs of these ids and `xmin`s, in their order.

        One that is changed meanwhile is as it is by now, and one that is deleted meanwhile is left out.
        """
        found = {id: self._recall(id, version) for id, version in places}
        missing = [id for id, known in found.items() if known is None]
        if missing:
            rows = await store.fetch(_VERSIONED, missing)
            for row, run in zip(rows, await _built(store, [row[:-1] for row in rows], now), strict=True):
                found[row[0]] = self._render(row[0], row[-1], run)
        return [run for run in found.values() if run is not None]

    def _recall(self, id: UUID, version: int) -> msgspec.Raw | None:
        kept = self._kept.get(id)
        if kept is None or kept[0] != version:
            return None
        self._kept.move_to_end(id)
        return kept[1]

    def _render(self, id: UUID, version: int, run: Any) -> msgspec.Raw:
        """Its JSON, kept if it follows from the row alone.

        What waits or runs is estimated anew each time, and pools change their names.
        """
        rendered = msgspec.Raw(encode(run))
        if run.state_type in TERMINAL_STATES and run.work_queue_id is None and len(rendered) <= _LONGEST:
            self._kept[id] = version, rendered
            if len(self._kept) > _CAPACITY:
                self._kept.popitem(last=False)
        return rendered


def _rendered_of(store: Store) -> _Rendered:
    rendered = _RENDERED.get(store)
    if rendered is None:
        rendered = _RENDERED[store] = _Rendered()
    return rendered


_RENDERED: WeakKeyDictionary[Store, _Rendered] = WeakKeyDictionary()
