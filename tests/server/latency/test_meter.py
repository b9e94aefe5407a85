"""The meter: what requests take, beside work in the background and without it."""

from time import perf_counter

import pytest

from headrace.rules.pace import Bounds
from headrace.server.latency import meter as latency
from headrace.server.latency.meter import BOUNDS, FEW, Meter, meter_of
from headrace.server.store.base import Store

BOUNDS_OF_PACE = Bounds()


def note(meter: Meter, *took: float, status: int = 200) -> None:
    for seconds in took:
        meter.note(perf_counter() - seconds, status)


def test_it_tells_how_many_took_longer_than_they_may() -> None:
    meter = Meter()
    note(meter, *[0.010] * 195, *[0.5] * 4)
    began = perf_counter()
    assert meter.seen_since(began, BOUNDS_OF_PACE).requests == 0
    note(meter, 0.010, 0.010, 0.1, 0.2)
    seen = meter.seen_since(began, BOUNDS_OF_PACE)
    assert (seen.alone, seen.requests, seen.slower) == (False, 4, 2)


def test_as_long_as_little_is_known_nothing_counts_as_slow() -> None:
    meter = Meter()
    assert meter.alone
    note(meter, 5.0)
    assert not meter.alone
    assert meter.seen_since(0, BOUNDS_OF_PACE).slower is None


def test_a_request_that_met_work_in_the_background_is_not_calm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "_AFTERMATH", 0.0)
    meter = Meter()
    note(meter, *[0.010] * (FEW - 1))
    assert meter.calm is None
    with meter.working():
        note(meter, *[0.5] * FEW)
    note(meter, *[0.5] * FEW)  # these had begun while it went on
    assert meter.calm is None
    meter.note(perf_counter(), 200)
    assert meter.calm is not None
    assert meter.calm < 0.1


def test_requests_are_counted_by_length_and_class_of_status() -> None:
    meter = Meter()
    note(meter, 0.0001, 0.02, 99.0)
    note(meter, 0.3, status=503)
    assert set(meter.counts) == {2, 5}
    counted = dict(zip((*BOUNDS, float("inf")), meter.cumulated(2), strict=True))
    assert (counted[0.001], counted[0.025], counted[10.0], counted[float("inf")]) == (1, 2, 2, 3)
    assert meter.sums[5] == pytest.approx(0.3, abs=0.01)


async def test_each_store_has_its_own(store: Store) -> None:
    assert meter_of(store) is meter_of(store)
