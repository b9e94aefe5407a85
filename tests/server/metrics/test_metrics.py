"""What a monitor is told: in the form it reads, true, and without walking what grows with history."""

import re
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import cast

import pytest

from headrace.server.latency.meter import meter_of
from headrace.server.metrics.collecting import collect
from headrace.server.metrics.exposition import Family, Sample, histogram, render
from headrace.server.purge.service import Purge
from headrace.server.store import make_store
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.times import now
from tests.conftest import settings_for
from tests.server.api import Api
from tests.server.http.example import OneAnswer
from tests.server.purge.deleted import LATER, delete_runs, full_run
from tests.server.services.waiting import until

_LINE = re.compile(r'^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)+\})? -?[0-9.e+-]+)$')


async def told(api: Api) -> dict[str, float]:
    """The numbers by name and labels."""
    answer = await api.get("/x/metrics")
    assert answer.media_type == "text/plain; version=0.0.4; charset=utf-8"
    lines = cast(str, answer.json).splitlines()
    assert [line for line in lines if not _LINE.match(line)] == []
    found = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    return {name: float(value) for name, _, value in found}


def test_numbers_are_rendered_as_prometheus_reads_them() -> None:
    odd = Family("odd", "gauge", "One\nthing", [Sample(0.5, {"name": 'a"b\\c\n'}), Sample(2)])
    nothing = Family("nothing", "gauge", "Nothing", [])
    spread = Family("spread", "histogram", "Spread", histogram([0.1, 1.0], [1, 3, 4], 2.5, {"status": "2xx"}))
    assert render([odd, nothing, spread]).splitlines() == [
        "# HELP odd One\\nthing",
        "# TYPE odd gauge",
        'odd{name="a\\"b\\\\c\\n"} 0.5',
        "odd 2",
        "# HELP spread Spread",
        "# TYPE spread histogram",
        'spread_bucket{status="2xx",le="0.1"} 1',
        'spread_bucket{status="2xx",le="1"} 3',
        'spread_bucket{status="2xx",le="+Inf"} 4',
        'spread_sum{status="2xx"} 2.5',
        'spread_count{status="2xx"} 4',
    ]


async def test_it_tells_of_runs_requests_and_what_waits(api: Api) -> None:
    flow = await api.flow()
    await full_run(api, flow)
    await api.flow_run({"type": "RUNNING"}, flow_id=flow)
    meter_of(api.store).note(perf_counter() - 0.02, 200)
    numbers = await told(api)
    assert numbers["headrace_database_up"] == 1
    assert numbers['headrace_runs{noun="flow_runs"}'] == 2
    assert numbers['headrace_open_runs{noun="flow_runs",state_type="RUNNING"}'] == 1
    assert numbers['headrace_http_request_duration_seconds_bucket{status="2xx",le="0.025"}'] == 1
    assert numbers["headrace_database_bytes"] > 100_000
    assert numbers['headrace_service_running{service="purge"}'] == 0
    assert numbers["headrace_purge_backlog_items"] == numbers["headrace_purge_oldest_overdue_seconds"] == 0
    assert numbers["headrace_purge_eta_seconds"] == 0


async def test_it_tells_how_far_the_purge_is(api: Api, database_settings: Settings) -> None:
    flow = await api.flow()
    due = now() - timedelta(minutes=10)
    await delete_runs(api.store, *[await full_run(api, flow) for _ in range(2)], due=due)
    await delete_runs(api.store, await full_run(api, flow), due=LATER)
    numbers = await told(api)
    assert (numbers["headrace_purge_backlog_operations"], numbers["headrace_purge_backlog_items"]) == (1, 2)
    assert numbers["headrace_purge_backlog_rows"] == 20
    assert 600 <= numbers["headrace_purge_oldest_overdue_seconds"] < 700
    assert numbers["headrace_hidden_runs"] == 3
    assert (numbers["headrace_trash_operations"], numbers["headrace_trash_items"]) == (1, 1)
    assert "headrace_purge_eta_seconds" not in numbers
    async with Purge.running(api.store, database_settings) as services:
        (purge,) = [one for one in services if isinstance(one, Purge)]
        await until(lambda: purge.removed.total() > 0)
        numbers = await told(api)
        assert numbers['headrace_purged_rows_total{table="flow_runs"}'] == 2
        assert numbers["headrace_purge_batch_rows"] > 0
    assert (await told(api))["headrace_purge_backlog_items"] == 0


async def test_without_its_database_it_tells_what_the_process_knows() -> None:
    store = cast("Store", OneAnswer())
    meter_of(store).note(perf_counter(), 500)
    text = render(await collect(store, Settings(), now()))
    assert "headrace_database_up 0" in text
    assert 'headrace_http_request_duration_seconds_count{status="5xx"} 1' in text
    assert "headrace_runs" not in text


@pytest.mark.parametrize("seconds", [3_000, 4_000])
async def test_a_purge_that_falls_behind_is_a_warning_of_readiness(api: Api, seconds: int) -> None:
    await delete_runs(api.store, await full_run(api, await api.flow()), due=now() - timedelta(seconds=seconds))
    said = (await api.get("/ready")).json
    assert said["message"] == "OK"
    warned = " ".join(said.get("warnings", []))
    assert ("falls behind" in warned) is (seconds > 3_600)


async def test_a_file_that_cannot_shrink_is_a_warning_once_much_of_it_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    from headrace.server.http.routes import ROUTERS
    from headrace.server.http.routing import Dispatcher
    from headrace.server.purge import backlog
    from headrace.server.store.base import Statement

    monkeypatch.setattr(backlog, "_SHOWN_FROM", 100_000)
    with sqlite3.connect(tmp_path / "headrace.db") as db:
        db.executescript("PRAGMA auto_vacuum = NONE; CREATE TABLE made (x); DROP TABLE made")
    db.close()
    settings = settings_for(tmp_path)
    store = make_store(settings)
    await store.open()
    api = Api(Dispatcher(ROUTERS), store, settings)
    assert (await api.get("/ready")).json == {"message": "OK"}
    big = Statement("INSERT INTO variables (id, created, updated, name, value) VALUES ('a', 0, 0, 'v', $1)")
    await store.execute(big, "x" * 3_000_000)
    await store.execute(Statement("DELETE FROM variables"))
    (warned,) = (await api.get("/ready")).json["warnings"]
    assert "headrace server database compact" in warned
    await store.close()
