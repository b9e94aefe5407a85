"""What is asked of operations that are over goes along indexes: it costs what is found, and not what there is."""

from typing import Any
from uuid import UUID

import pytest

from headrace.server.operations import queries
from headrace.server.store.base import Dialect, Statement, Store
from headrace.wire.times import now
from tests.server.retention.test_plans import plan_of

_ONE = UUID(int=1)
_FILL = Statement(
    """
    INSERT INTO operations (id, created, kind, noun, status, finished, emptied)
    SELECT gen_random_uuid(), now(), 'delete', 'flow_runs', 'completed', now(), now() FROM generate_series(1, 3000)
    """
)
_FILL_ITEMS = Statement(
    """
    INSERT INTO operation_items (operation_id, position, noun, id, status)
    SELECT $1::uuid, place, 'flow_runs', gen_random_uuid(),
        CASE WHEN place % 100 = 0 THEN 'failed' END FROM generate_series(1, 3000) AS place
    """
)
_ANALYZE = Statement("ANALYZE operations, operation_items")


@pytest.mark.parametrize(
    ("statement", "values", "indexes"),
    [
        (queries.FORGETTABLE, (now(), 50), ("ix_operations_kept", "ix_operations_items_of")),
        (queries.IS_FORGETTABLE, (now(), _ONE), ("ix_operations_items_of",)),
        (queries.LOCK_OTHERS, (_ONE,), ("ix_operations_items_of",)),
        (queries.FORGOTTEN, (_ONE, now()), ("ix_operations_items_of",)),
        (queries.REMOVE, (now(), 50), ("ix_operations_created", "ix_operations_items_of")),
        (queries.FAILURES, (_ONE, 50), ("ix_operation_items_status",)),
        (queries.TRY_AGAIN, (_ONE,), ("ix_operation_items_status",)),
        (queries.AGAIN, (_ONE, 50), ("ix_operation_items_status",)),
        (queries.LIST_ITEMS_BY_STATUS, (_ONE, "failed", 0, 50), ("ix_operation_items_status",)),
    ],
)
async def test_the_statement_takes_its_indexes(
    store: Store, statement: Statement, values: tuple[Any, ...], indexes: tuple[str, ...]
) -> None:
    if store.dialect is Dialect.POSTGRES:
        await store.execute(_FILL)
        await store.execute(_FILL_ITEMS, _ONE)
        await store.execute(_ANALYZE)
    plan = await plan_of(store, statement, *values)
    assert all(index in plan for index in indexes), plan
    assert not any(
        line.lstrip(" ->").startswith(("SCAN o", "SCAN d", "SCAN f", "Seq Scan")) for line in plan.split("\n")
    )
