"""`/v2/concurrency_limits`: limits, counted slots and leases, on both databases (contract §10)."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from headrace.server.store.base import Statement
from headrace.wire.times import now
from tests.server.api import Answered, Api, Json

LIMITS = "/v2/concurrency_limits"
EXPIRE = Statement("UPDATE concurrency_leases SET expires_at = $1")
AGE = Statement("UPDATE concurrency_limits SET updated = $1")
LEASES = Statement("SELECT count(*) FROM concurrency_leases")


async def make(api: Api, name: str, limit: int = 1, **fields: Json) -> Json:
    made = await api.post(f"{LIMITS}/", {"name": name, "limit": limit, **fields})
    assert made.status == 201, made.json
    return made.json


async def active(api: Api, name: str) -> int:
    return (await api.get(f"{LIMITS}/{name}")).json["active_slots"]


async def lease(api: Api, *names: str, slots: int = 1, **fields: Json) -> Answered:
    return await api.post(f"{LIMITS}/increment-with-lease", {"names": names, "slots": slots, **fields})


async def count(api: Api, *names: str, slots: int = 1, **fields: Json) -> Answered:
    return await api.post(f"{LIMITS}/increment", {"names": names, "slots": slots, **fields})


async def renew(api: Api, lease_id: str, **fields: Json) -> int:
    return (await api.post(f"{LIMITS}/leases/{lease_id}/renew", fields)).status


async def let_all_leases_run_out(api: Api) -> None:
    await api.store.execute(EXPIRE, now())


class TestLimits:
    async def test_a_limit_is_read_by_id_and_by_name(self, api: Api) -> None:
        made = await make(api, "db pool", 3, active_slots=1, denied_slots=2, slot_decay_per_second=0.0)
        assert (
            made.items()
            >= {
                "name": "db pool",
                "limit": 3,
                "active": True,
                "active_slots": 1,
                "denied_slots": 2,
                "slot_decay_per_second": 0.0,
                "avg_slot_occupancy_seconds": 2.0,
            }.items()
        )
        read = {
            key: made[key]
            for key in ("id", "created", "updated", "active", "name", "limit", "active_slots", "slot_decay_per_second")
        }
        for path in (made["id"], "db pool"):
            assert (await api.get(f"{LIMITS}/{path}")).json == read

    async def test_a_name_is_taken_once_until_its_limit_is_deleted(self, api: Api) -> None:
        await make(api, "one")
        again = await api.post(f"{LIMITS}/", {"name": "one", "limit": 5})
        assert (again.status, "detail" in again.json) == (409, True)
        assert (await api.delete(f"{LIMITS}/one")).status == 204
        await make(api, "one")

    @pytest.mark.parametrize("path", [str(UUID(int=0)), "nothing"])
    async def test_a_limit_that_does_not_exist_is_not_found(self, api: Api, path: str) -> None:
        for answer in (
            await api.get(f"{LIMITS}/{path}"),
            await api.patch(f"{LIMITS}/{path}", {"limit": 1}),
            await api.delete(f"{LIMITS}/{path}"),
        ):
            assert (answer.status, answer.json["detail"]) == (404, "Concurrency Limit not found")

    async def test_limits_are_listed_by_name_in_stretches(self, api: Api) -> None:
        for name in ("b", "c", "a"):
            await make(api, name)
        assert [limit["name"] for limit in (await api.post(f"{LIMITS}/filter")).json] == ["a", "b", "c"]
        assert [limit["name"] for limit in (await api.post(f"{LIMITS}/filter", {"limit": 1, "offset": 1})).json] == [
            "b"
        ]
        assert (await api.post(f"{LIMITS}/filter", {"limit": 0})).json == []
        assert (await api.post(f"{LIMITS}/filter", {"limit": 201})).status == 422
        assert (await api.post(f"{LIMITS}/filter", {"offset": -1})).status == 422

    async def test_only_what_is_given_is_changed(self, api: Api) -> None:
        made = await make(api, "old", 3, active_slots=2)
        change = {"name": "new", "limit": 5, "active": None, "slot_decay_per_second": 0.5}
        assert (await api.patch(f"{LIMITS}/old", change)).status == 204
        read = (await api.get(f"{LIMITS}/{made['id']}")).json
        assert (read["name"], read["limit"], read["active"], read["active_slots"]) == ("new", 5, True, 2)
        assert read["slot_decay_per_second"] == 0.5

    async def test_a_limit_cannot_take_the_name_of_another(self, api: Api) -> None:
        await make(api, "one")
        await make(api, "two")
        assert (await api.patch(f"{LIMITS}/two", {"name": "one"})).status == 409
        assert (await api.get(f"{LIMITS}/two")).status == 200

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"limit": 1}, "name"),
            ({"name": "x"}, "limit"),
            ({"name": "a/b", "limit": 1}, "name"),
            ({"name": "", "limit": 1}, "name"),
            ({"name": "x", "limit": -1}, "limit"),
            ({"name": "x", "limit": 2**31}, "limit"),
            ({"name": "x", "limit": "many"}, "limit"),
            ({"name": "x", "limit": 1, "active_slots": -1}, "active_slots"),
            ({"name": "x", "limit": 1, "slot_decay_per_second": -0.1}, "slot_decay_per_second"),
            ({"name": "x", "limit": 1, "other": 1}, "other"),
        ],
    )
    async def test_a_limit_that_cannot_be_is_refused_by_field(self, api: Api, body: Json, field: str) -> None:
        refused = await api.post(f"{LIMITS}/", body)
        assert refused.status == 422
        assert refused.json["exception_detail"][0]["loc"] == ["body", field]
        assert (await api.post(f"{LIMITS}/filter")).json == []


class TestCountedSlots:
    async def test_slots_are_taken_and_given_back_by_number(self, api: Api) -> None:
        made = await make(api, "db", 3)
        taken = await count(api, "db", "nobody", slots=2)
        assert (taken.status, taken.json) == (200, [{"id": made["id"], "name": "db", "limit": 3}])
        assert await active(api, "db") == 2
        given = await api.post(f"{LIMITS}/decrement", {"names": ["db"], "slots": 1, "occupancy_seconds": 4.0})
        assert (given.status, given.json) == (200, taken.json)
        assert await active(api, "db") == 1
        await api.post(f"{LIMITS}/decrement", {"names": ["db"], "slots": 5})
        assert await active(api, "db") == 0

    async def test_names_without_a_limit_need_no_slot(self, api: Api) -> None:
        assert ((await count(api, "x")).status, (await count(api, "x")).json) == (200, [])
        assert (await lease(api, "x")).json["limits"] == []
        assert (await count(api)).json == []
        assert (await api.post(f"{LIMITS}/decrement", {"names": ["x"], "slots": 1})).json == []

    async def test_all_slots_are_taken_or_none(self, api: Api) -> None:
        await make(api, "a", 2)
        await make(api, "b", 1, active_slots=1)
        for denied in (await count(api, "a", "b"), await lease(api, "a", "b")):
            assert (denied.status, denied.json["detail"]) == (423, "Locked")
        assert (await active(api, "a"), await active(api, "b")) == (0, 1)

    async def test_a_limit_that_is_switched_off_is_named_and_not_counted(self, api: Api) -> None:
        made = await make(api, "off", 1, active=False, active_slots=1)
        assert (await count(api, "off", slots=5)).json == [{"id": made["id"], "name": "off", "limit": 1}]
        leased = await lease(api, "off")
        assert [limit["name"] for limit in leased.json["limits"]] == ["off"]
        assert await renew(api, leased.json["lease_id"]) == 204
        assert await active(api, "off") == 1

    async def test_more_slots_than_a_limit_has_are_refused_for_good(self, api: Api) -> None:
        await make(api, "db", 2)
        refused = await count(api, "db", slots=3)
        assert (refused.status, refused.json["detail"]) == (422, "Slots requested is greater than the limit")

    @pytest.mark.parametrize(
        "body",
        [
            {"names": ["db"]},
            {"slots": 1},
            {"names": ["db"], "slots": 0},
            {"names": ["db"], "slots": 2**31},
            {"names": "db", "slots": 1},
            {"names": ["db"], "slots": 1, "mode": "other"},
            {"names": ["db"], "slots": 1, "lease_duration": 59},
            {"names": ["db"], "slots": 1, "lease_duration": 86_401},
            {"names": ["db"], "slots": 1, "holder": {"type": "worker", "id": str(uuid4())}},
            {"names": ["db"], "slots": 1, "holder": {"type": "flow_run"}},
        ],
    )
    async def test_a_wish_that_makes_no_sense_is_refused(self, api: Api, body: Json) -> None:
        await make(api, "db", 2)
        assert (await api.post(f"{LIMITS}/increment-with-lease", body)).status == 422
        assert await active(api, "db") == 0

    async def test_counted_slots_decay_by_whole_slots(self, api: Api) -> None:
        await make(api, "rate", 10, slot_decay_per_second=0.5)
        await count(api, "rate", slots=8, mode="rate_limit")
        await api.store.execute(AGE, now() - timedelta(seconds=5))
        assert await active(api, "rate") == 6
        await api.store.execute(AGE, datetime(2020, 1, 1, tzinfo=UTC))
        assert await active(api, "rate") == 0

    async def test_asking_often_does_not_hold_decay_up(self, api: Api) -> None:
        await make(api, "rate", 3, slot_decay_per_second=0.5)
        await count(api, "rate", slots=2)
        await api.store.execute(AGE, now() - timedelta(seconds=3))
        assert (await count(api, "rate", slots=2)).status == 200
        assert await active(api, "rate") == 3
        before = (await api.get(f"{LIMITS}/rate")).json["updated"]
        assert (await count(api, "rate", slots=1)).status == 423
        assert (await api.get(f"{LIMITS}/rate")).json["updated"] == before

    async def test_a_rate_needs_a_limit_that_decays(self, api: Api) -> None:
        await make(api, "db", 2)
        refused = await count(api, "db", mode="rate_limit")
        assert refused.status == 422
        assert refused.json["detail"].endswith("The following limits do not have a decay configured: 'db'")
        assert (await lease(api, "db", mode="rate_limit")).status == 422

    async def test_a_rate_taken_under_a_lease_is_used_up_all_the_same(self, api: Api) -> None:
        await make(api, "rate", 2, slot_decay_per_second=0.001)
        taken = (await lease(api, "rate", mode="rate_limit")).json
        assert (await api.post(f"{LIMITS}/decrement-with-lease", {"lease_id": taken["lease_id"]})).status == 204
        assert await active(api, "rate") == 1


class TestLeases:
    async def test_a_lease_holds_its_slots_until_it_is_given_back(self, api: Api) -> None:
        made = await make(api, "db", 2)
        taken = (await lease(api, "db", "nobody", slots=2)).json
        assert taken["limits"] == [{"id": made["id"], "name": "db", "limit": 2}]
        assert await active(api, "db") == 2
        for _ in range(2):
            returned = await api.post(f"{LIMITS}/decrement-with-lease", {"lease_id": taken["lease_id"]})
            assert returned.status == 204
            assert await active(api, "db") == 0
        assert await renew(api, taken["lease_id"]) == 410

    async def test_a_lease_that_ran_out_counts_no_more_whoever_asks(self, api: Api) -> None:
        await make(api, "db")
        old = (await lease(api, "db")).json["lease_id"]
        assert (await lease(api, "db")).status == 423
        await let_all_leases_run_out(api)
        assert await active(api, "db") == 0
        assert [limit["active_slots"] for limit in (await api.post(f"{LIMITS}/filter")).json] == [0]
        assert (await lease(api, "db")).status == 200
        assert await renew(api, old) == 410
        assert await active(api, "db") == 1
        assert (await api.store.fetch(LEASES))[0][0] == 1

    async def test_a_lease_that_ran_out_cannot_be_renewed_though_nobody_took_its_slot(self, api: Api) -> None:
        await make(api, "db")
        old = (await lease(api, "db")).json["lease_id"]
        await let_all_leases_run_out(api)
        gone = await api.post(f"{LIMITS}/leases/{old}/renew")
        assert (gone.status, gone.json["detail"]) == (410, "Lease not found - it may have expired or been revoked")

    async def test_a_lease_is_renewed_from_now_on(self, api: Api) -> None:
        await make(api, "db")
        held = (await lease(api, "db", lease_duration=60)).json["lease_id"]
        assert await renew(api, held, lease_duration=3_600) == 204
        left = await api.store.fetch(
            Statement("SELECT 1 FROM concurrency_leases WHERE expires_at > $1"), now() + timedelta(seconds=3_000)
        )
        assert len(left) == 1
        assert await renew(api, held, lease_duration=59) == 422
        assert await renew(api, str(uuid4())) == 410

    async def test_a_lease_on_a_limit_that_is_deleted_lives_on(self, api: Api) -> None:
        await make(api, "db")
        held = (await lease(api, "db")).json["lease_id"]
        await api.delete(f"{LIMITS}/db")
        assert await renew(api, held) == 204
        await make(api, "db")
        assert await active(api, "db") == 0

    async def test_slots_in_use_can_be_set_to_any_number(self, api: Api) -> None:
        await make(api, "db", 5)
        first = (await lease(api, "db", slots=2)).json["lease_id"]
        second = (await lease(api, "db")).json["lease_id"]
        for number in (4, 3, 1, 0):
            await api.patch(f"{LIMITS}/db", {"active_slots": number})
            assert await active(api, "db") == number
        assert (await renew(api, first), await renew(api, second)) == (410, 410)

    async def test_waiting_takes_longer_the_longer_slots_are_in_use(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("headrace.wire.chance.CHANCE.random", lambda: 0.5)
        waits: dict[str, float] = {}
        for name in ("short", "tag:long", "long"):
            await make(api, name)
            for _ in range(20):
                body = {"names": [name], "slots": 1, "occupancy_seconds": 0.1 if name == "short" else 10_000.0}
                await api.post(f"{LIMITS}/decrement", body)
            await lease(api, name)
            waits[name] = float((await lease(api, name)).headers["Retry-After"])
        assert 0 < waits["short"] < waits["tag:long"] < waits["long"]
        assert waits["tag:long"] == pytest.approx(10 * 0.693147, rel=1e-3)
        assert waits["long"] == pytest.approx(30 * 0.693147, rel=1e-3)


class TestRacingCallers:
    """Whoever races for slots, no more are taken than there are, and nobody waits in a circle."""

    async def test_callers_with_limits_in_any_order_never_take_too_many_and_never_deadlock(self, api: Api) -> None:
        names = ["a", "b", "c"]
        for name in names:
            await make(api, name, 4)
        orders = [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"], ["b", "a", "c"]] * 6

        async def use(order: list[str]) -> int:
            taken = await lease(api, *order)
            if taken.status == 200:
                assert max([await active(api, name) for name in names]) <= 4
                await api.post(f"{LIMITS}/decrement-with-lease", {"lease_id": taken.json["lease_id"]})
            return taken.status

        statuses = await asyncio.gather(*(use(order) for order in orders))
        assert set(statuses) <= {200, 423}
        assert statuses.count(200) >= 4
        assert [await active(api, name) for name in names] == [0, 0, 0]

    async def test_exactly_as_many_callers_win_as_there_are_slots(self, api: Api) -> None:
        await make(api, "db", 5)
        answers = await asyncio.gather(*(lease(api, "db") if turn % 2 else count(api, "db") for turn in range(20)))
        assert sorted(answer.status for answer in answers) == [200] * 5 + [423] * 15
        assert await active(api, "db") == 5

    async def test_a_slot_whose_lease_ran_out_goes_to_one_of_those_who_race_for_it(self, api: Api) -> None:
        await make(api, "a")
        await make(api, "b")
        old = (await lease(api, "a", "b")).json["lease_id"]
        await let_all_leases_run_out(api)
        calls = [lease(api, "b", "a") for _ in range(6)]
        renewals = [api.post(f"{LIMITS}/leases/{old}/renew") for _ in range(4)]
        answers = await asyncio.gather(*calls, *renewals)
        assert sorted(answer.status for answer in answers) == [200] + [410] * 4 + [423] * 5
        assert (await active(api, "a"), await active(api, "b")) == (1, 1)
