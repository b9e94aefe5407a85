"""Slots of concurrency limits: held while a block or a tagged task runs, and never longer."""

import asyncio
import threading
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from headrace import flow, task
from headrace.client.orchestration import SyncHeadraceClient
from headrace.concurrency.asyncio import concurrency as aconcurrency
from headrace.concurrency.asyncio import rate_limit as arate_limit
from headrace.concurrency.sync import concurrency, rate_limit
from headrace.sdk import session
from headrace.sdk.leases import Keeper, Lease
from headrace.wire.concurrency import GlobalConcurrencyLimitCreate, LimitSummary
from headrace.wire.errors import Gone, ServiceUnavailable
from headrace.wire.filters import EventFilter, EventNameFilter, EventOrder
from headrace.wire.waiting_errors import SlotsNotAcquired, SlotsTimeout

TWO = LimitSummary(id=UUID(int=2), name="two", limit=2)


@pytest.fixture
def limit(recorded: SyncHeadraceClient) -> Callable[[], int]:
    """The slots in use of a limit named "two" that has two of them."""
    recorded.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="two", limit=2))
    return lambda: recorded.read_global_concurrency_limit_by_name("two").active_slots


def test_slots_are_held_while_the_block_runs(limit: Callable[[], int]) -> None:
    with concurrency("two"):
        assert limit() == 1
        with concurrency(["two", "not-there"]):
            assert limit() == 2
    assert limit() == 0


def test_slots_come_back_after_an_exception(limit: Callable[[], int]) -> None:
    with pytest.raises(ZeroDivisionError), concurrency("two", occupy=2):
        assert limit() == 2
        _ = 1 / 0
    assert limit() == 0


@pytest.mark.usefixtures("limit")
def test_waiting_ends_in_time() -> None:
    with concurrency("two", occupy=2):
        with pytest.raises(SlotsTimeout, match="two"), concurrency("two", timeout_seconds=0.05):
            pytest.fail("there is no slot")
        with pytest.raises(SlotsNotAcquired, match="two"), concurrency("two", max_retries=0):
            pytest.fail("there is no slot")


def test_who_waits_goes_on_when_a_slot_is_free(
    recorded: SyncHeadraceClient, limit: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = threading.Event()
    entered = threading.Event()
    monkeypatch.setattr("headrace.sdk.drivers.time.sleep", lambda _seconds: (waited.set(), entered.wait(0.01)))

    def hold() -> None:
        with concurrency("two"):
            entered.set()

    thread = threading.Thread(target=hold)
    with concurrency("two", occupy=2):
        thread.start()
        assert waited.wait(10)
        assert not entered.is_set()
    thread.join(10)
    assert entered.is_set()
    assert limit() == 0


def test_a_wish_that_can_never_be_granted_is_refused_at_once(limit: Callable[[], int]) -> None:
    with pytest.raises(SlotsNotAcquired, match="two"), concurrency("two", occupy=3):
        pytest.fail("there are not so many slots")
    assert limit() == 0


@pytest.mark.usefixtures("limit")
def test_strictness_asks_for_the_limit_to_exist() -> None:
    with concurrency("not-there"):
        pass
    with pytest.raises(SlotsNotAcquired, match="not-there"), concurrency(["two", "not-there"], strict=True):
        pytest.fail("there is no such limit")


def test_a_strict_wish_that_fails_holds_nothing(limit: Callable[[], int]) -> None:
    with pytest.raises(SlotsNotAcquired), concurrency(["two", "not-there"], strict=True):
        pytest.fail("there is no such limit")
    assert limit() == 0


async def test_async_code_holds_slots_too(limit: Callable[[], int]) -> None:
    async with aconcurrency("two"):
        assert await asyncio.to_thread(limit) == 1
        with pytest.raises(SlotsTimeout):
            async with aconcurrency("two", occupy=2, timeout_seconds=0.05):
                pytest.fail("there are not so many slots")
    assert await asyncio.to_thread(limit) == 0


async def test_a_cancelled_block_gives_its_slots_back(limit: Callable[[], int]) -> None:
    entered = asyncio.Event()

    async def hold() -> None:
        async with aconcurrency("two"):
            entered.set()
            await asyncio.Event().wait()

    holding = asyncio.create_task(hold())
    await entered.wait()
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding
    assert await asyncio.to_thread(limit) == 0


async def test_a_rate_is_kept(recorded: SyncHeadraceClient) -> None:
    recorded.create_global_concurrency_limit(
        GlobalConcurrencyLimitCreate(name="often", limit=2, slot_decay_per_second=0.001)
    )
    rate_limit("often")
    await arate_limit("often")
    with pytest.raises(SlotsTimeout):
        await asyncio.to_thread(rate_limit, "often", timeout_seconds=0.05)


@pytest.mark.usefixtures("limit")
def test_a_limit_without_a_rate_refuses_rates() -> None:
    with pytest.raises(SlotsNotAcquired, match="two"):
        rate_limit("two")


def test_tagged_tasks_hold_a_slot_of_their_tag(recorded: SyncHeadraceClient) -> None:
    recorded.create_concurrency_limit("heavy", 1)
    together: list[list[UUID]] = []

    @task(tags=["heavy", "light"], retries=1)
    def work(n: int) -> int:
        together.append(recorded.read_concurrency_limit_by_tag("heavy").active_slots)
        if len(together) == 1:
            raise ValueError("once more")
        return n

    @flow
    def outer() -> int:
        return sum(work.map(range(3)).result())

    assert outer() == 3
    assert [len(holders) for holders in together] == [1, 1, 1, 1]
    assert recorded.read_concurrency_limit_by_tag("heavy").active_slots == []


def test_a_limit_of_no_slots_fails_the_task(recorded: SyncHeadraceClient) -> None:
    recorded.create_concurrency_limit("never", 0)

    @task(tags=["never"])
    def work() -> None:
        pytest.fail("there is no slot")

    @flow
    def outer() -> None:
        work()

    with pytest.raises(SlotsNotAcquired, match="tag:never"):
        outer()


class Api:
    """Answers renewals as a test says."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.renewed: list[float] = []
        self.released: list[UUID] = []
        self.done = threading.Event()

    def renew_concurrency_lease(self, lease_id: UUID, lease_duration: float = 300) -> None:
        self.renewed.append(lease_duration)
        answer = self.answers.pop(0) if self.answers else None
        if not self.answers:
            self.done.set()
        if answer is not None:
            raise answer

    def release_concurrency_slots_with_lease(self, lease_id: UUID) -> None:
        self.released.append(lease_id)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_lease_is_renewed_before_it_runs_out() -> None:
    clock, api = Clock(), Api()
    keeper = Keeper(clock)
    lease = Lease(api, uuid4(), 100.0, [TWO])
    keeper._put(lease, 75.0)
    assert keeper.renew_due() == 75.0
    assert api.renewed == []
    clock.now = 75.0
    assert keeper.renew_due() == 75.0
    assert api.renewed == [100.0]
    lease.release()
    clock.now = 150.0
    assert keeper.renew_due() is None
    assert (api.renewed, api.released) == ([100.0], [lease.id])


def test_a_renewal_that_fails_is_tried_again_and_a_lost_lease_is_not() -> None:
    clock, api = Clock(), Api(ServiceUnavailable("away"), Gone("too late"))
    keeper = Keeper(clock)
    lease = Lease(api, uuid4(), 100.0, [TWO])
    keeper._put(lease, 75.0)
    clock.now = 75.0
    assert keeper.renew_due() == 5.0
    assert not lease.lost
    clock.now = 80.0
    assert keeper.renew_due() is None
    assert lease.lost


def test_leases_are_renewed_in_the_background() -> None:
    api = Api(None, None)
    keeper = Keeper()
    lease = Lease(api, uuid4(), 0.02, [TWO])
    keeper.keep(lease)
    assert api.done.wait(10)
    lease.release()


def test_what_is_taken_and_given_back_is_told(recorded: SyncHeadraceClient) -> None:
    two = recorded.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="two", limit=2))
    rate = recorded.create_global_concurrency_limit(
        GlobalConcurrencyLimitCreate(name="rate", limit=5, slot_decay_per_second=5.0)
    )
    with concurrency(["two", "rate"], occupy=2):
        pass
    rate_limit("rate")
    session.flush_all(20)
    wanted = EventFilter(
        event=EventNameFilter(name=[f"prefect.concurrency-limit.{what}" for what in ("acquired", "released")]),
        order=EventOrder.ASC,
    )
    events = recorded.read_events(wanted).events
    assert [(event.event.rpartition(".")[2], event.resource) for event in events] == [
        (what, labels)
        for what, labels in (
            ("acquired", told("two", two, 2, 2)),
            ("acquired", told("rate", rate, 2, 5)),
            ("released", told("two", two, 2, 2)),
            ("released", told("rate", rate, 2, 5)),
            ("acquired", told("rate", rate, 1, 5)),
        )
    ]
    assert [labels["prefect.resource.id"] for labels in events[0].related] == [f"prefect.concurrency-limit.{rate}"]
    assert [event.follows for event in events[2:]] == [events[0].id, events[1].id, None]


def told(name: str, limit_id: UUID, slots: int, limit: int) -> dict[str, str]:
    """The resource of an event about a limit."""
    return {
        "prefect.resource.id": f"prefect.concurrency-limit.{limit_id}",
        "prefect.resource.name": name,
        "slots-acquired": str(slots),
        "limit": str(limit),
    }
