"""Task runs that are open although their flow run is over, found by walking all open ones piece by piece."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.rules.endings import OPEN_STATES, is_left_over
from headrace.server.store.base import Statement, Store
from headrace.server.store.rows import ENUM, Kind, Reader
from headrace.wire.states import StateType


class _Open(msgspec.Struct, kw_only=True):
    """An open task run and its flow run, None for one that has none."""

    id: UUID
    flow_run_id: UUID | None
    state_type: StateType | None
    end_time: datetime | None


_OPEN = Reader(_Open, {"id": Kind.UUID, "flow_run_id": Kind.UUID, "state_type": ENUM(StateType), "end_time": Kind.TIME})
_WALK = Statement(
    """
    SELECT t.id, f.id, f.state_type, f.end_time
    FROM (
        SELECT id, flow_run_id FROM task_runs WHERE state_type = $1 AND id > $2 AND deleted_at IS NULL
        ORDER BY id LIMIT $3
    ) AS t LEFT JOIN flow_runs f ON f.id = t.flow_run_id AND f.deleted_at IS NULL
    ORDER BY t.id
    """
)
_TYPES = sorted(OPEN_STATES)
_FIRST = UUID(int=0)


class Walk:
    """One passage after the other over all open task runs, `step` by step, each of at most `size` of them."""

    def __init__(self, size: int = 1000) -> None:
        self._size = size
        self._type, self._after = 0, _FIRST

    async def step(self, store: Store, moment: datetime, after_seconds: float) -> tuple[Sequence[UUID], bool]:
        """Flow runs that are over and have open task runs, and whether the passage has come to its end with these."""
        rows = await store.scan(_WALK, _TYPES[self._type].value, self._after, self._size)
        found = _OPEN.all(rows, store.dialect)
        if len(found) == self._size:
            self._after = found[-1].id
        else:
            self._type, self._after = (self._type + 1) % len(_TYPES), _FIRST
        left = {
            one.flow_run_id: None
            for one in found
            if one.flow_run_id is not None
            and one.state_type is not None
            and is_left_over(one.state_type, one.end_time, moment, after_seconds)
        }
        return list(left), self._type == 0 and self._after == _FIRST
