"""Leases that have run out give their slots back, once."""

import asyncio
from datetime import timedelta
from uuid import UUID

from headrace.server.concurrency.repossessor import Repossessor
from headrace.server.store.base import Statement, Store
from headrace.settings import Settings
from headrace.wire.times import now
from tests.server.api import Api

LIMITS = "/v2/concurrency_limits"
COUNT = Statement("SELECT count(*) FROM concurrency_leases")
AGE = Statement("UPDATE concurrency_leases SET created = $1, expires_at = $2")
OCCUPANCY = Statement("SELECT avg_slot_occupancy_seconds FROM concurrency_limits")


async def look(store: Store, settings: Settings) -> None:
    repossessor = Repossessor(store, settings)
    while await repossessor.tick():
        pass


async def leases(store: Store) -> int:
    return int((await store.fetch(COUNT))[0][0])


async def lease(api: Api, seconds: float = 60) -> str:
    wanted = {"names": ["gate"], "slots": 1, "mode": "concurrency", "lease_duration": seconds}
    return (await api.post(f"{LIMITS}/increment-with-lease", wanted)).json["lease_id"]


async def test_a_lease_that_has_run_out_is_ended_once_and_others_are_left_alone(
    api: Api, database_settings: Settings
) -> None:
    await api.post(f"{LIMITS}/", {"name": "gate", "limit": 9})
    for _ in range(4):
        await lease(api)
    began = now() - timedelta(seconds=700)
    await api.store.execute(AGE, began, began + timedelta(seconds=600))
    kept = await lease(api)
    before = float((await api.store.fetch(OCCUPANCY))[0][0])
    # Taking the last one has ended those that had run out already: they run out anew.
    assert await leases(api.store) == 1
    for _ in range(4):
        await lease(api)
    others = Statement("UPDATE concurrency_leases SET created = $1, expires_at = $2 WHERE id <> $3")
    await api.store.execute(others, began, began + timedelta(seconds=600), UUID(kept))
    await asyncio.gather(*(look(api.store, database_settings) for _ in range(3)))
    assert await leases(api.store) == 1
    limit = (await api.get(f"{LIMITS}/gate")).json
    assert limit["active_slots"] == 1
    occupancy = float((await api.store.fetch(OCCUPANCY))[0][0])
    assert before < occupancy < 600
    assert (await api.post(f"{LIMITS}/leases/{kept}/renew", {"lease_duration": 60})).status == 204


async def test_one_that_is_renewed_in_time_is_kept(api: Api, database_settings: Settings) -> None:
    await api.post(f"{LIMITS}/", {"name": "gate", "limit": 1})
    id = await lease(api)
    await look(api.store, database_settings)
    assert (await api.post(f"{LIMITS}/leases/{id}/renew", {"lease_duration": 60})).status == 204
    assert await leases(api.store) == 1


async def test_leases_of_limits_that_are_gone_are_ended_too(api: Api, database_settings: Settings) -> None:
    await api.post(f"{LIMITS}/", {"name": "gate", "limit": 1})
    await lease(api)
    await api.delete(f"{LIMITS}/gate")
    long_ago = now() - timedelta(hours=1)
    await api.store.execute(AGE, long_ago, long_ago + timedelta(seconds=1))
    await look(api.store, database_settings)
    assert await leases(api.store) == 0
