"""What an operation applies to is written down once, whoever thinks that it was not."""

from headrace.server.operations import claims, freezing, service
from headrace.server.operations.worker import Operations
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.operations.deeds import accept, finish


async def test_who_has_not_heard_that_it_is_frozen_takes_nothing_away(
    api: Api, store: Store, database_settings: Settings
) -> None:
    """A server looks at the open operations, is busy with another one, and begins to freeze one that has been since."""
    run = await api.flow_run({"type": "COMPLETED"})
    operation = await accept(store, target={"filters": {"flow_runs": {"id": {"any_": [run]}}}})
    [seen] = await claims.claim(store, now())
    await freezing.settle(store)
    frozen = await service.load(store, operation.id)
    assert frozen.frozen is not None
    seen.frozen = None
    await freezing.begin(store, seen)
    done = await finish(Operations(store, database_settings), operation.id)
    assert (done.total, done.changed) == (1, 1)
