"""`GET /x/services`: how the services of a server are doing."""

import json
import urllib.request
from pathlib import Path

from headrace.server.services.base import Service
from tests.processes import serving
from tests.server.api import Api


async def test_a_process_that_runs_no_services_says_so_of_each(api: Api) -> None:
    answer = await api.get("/x/services")
    assert answer.status == 200
    assert [status["name"] for status in answer.json] == [kind.name for kind in Service.all_services()]
    assert not any(status["running"] for status in answer.json)


def test_a_server_runs_what_is_switched_on(tmp_path: Path) -> None:
    off = {"HEADRACE_SERVER_SERVICES_TRIGGERS_ENABLED": "false"}
    with (
        serving(tmp_path, settings=off) as server,
        urllib.request.urlopen(f"{server.api_url}/x/services", timeout=30) as answer,
    ):
        found = json.load(answer)
    assert {status["name"]: status["running"] for status in found} == {
        kind.name: kind.name != "triggers" for kind in Service.all_services()
    }
    assert all(status["enabled"] is status["running"] for status in found)
