"""Automations, through the real client: kept as it says them, and acting on its runs."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.conftest import Peer
from tests.server.automations.listening import Listener, listening

pytestmark = pytest.mark.xdist_group("contract-automations")
Seen = dict[str, Any]

PREFECT_YAML = """
deployments:
- name: opened
  entrypoint: mill.py:mill
  work_pool: {name: deploying}
  triggers:
  - type: event
    enabled: true
    match: {prefect.resource.id: mill.gate}
    expect: [gate.opened]
    parameters: {said: "{{ event.resource.id }}"}
  - type: compound
    require: any
    within: 60
    triggers:
    - {type: event, expect: [a.b], posture: Reactive}
"""


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with listening() as heard:
        yield heard


@pytest.fixture(scope="module")
def seen(peer: Peer, listener: Listener) -> Seen:
    """What the client was answered, on each database."""
    return peer.script("automations.py", listener.url)


def test_an_automation_is_made_read_changed_and_deleted(seen: Seen) -> None:
    assert seen["kept"] == [True, "by the river", True, "CompoundTrigger"]
    assert seen["kept_within"] == [60.0, 30.0]
    assert seen["changed"] == ["renamed", False]
    assert seen["by_name"] == ["renamed"]
    assert seen["gone"] == "ValueError"


def test_an_automation_that_would_feed_itself_is_refused(seen: Seen) -> None:
    assert seen["loop"] == 422


def test_a_run_that_completes_has_a_deployment_run_and_paused(seen: Seen) -> None:
    assert seen["run"] == ["AUTOMATION", "run it", True, True, "Scheduled"]
    assert seen["paused"] is True


def test_a_users_event_cancels_and_breaks_a_run(seen: Seen) -> None:
    assert seen["cancelled"] == ["CRASHED", True]


def test_blocks_of_the_client_are_called_and_notified(seen: Seen, listener: Listener) -> None:
    hooks = [heard for heard in listener.heard if heard.path == "/hook" and heard.json == {"word": seen["word"]}]
    assert [heard.headers["x-mill"] for heard in hooks] == ["wheel"]
    assert {"text": "Turned: mill.1"} in [heard.json for heard in listener.heard if heard.path == "/notify"]


def test_the_triggers_of_a_deployment_replace_those_it_had(seen: Seen) -> None:
    assert seen["owned"] == ["second"]
    assert seen["owned_run"] == "second"


def test_deploying_twice_leaves_one_set_of_triggers(peer: Peer) -> None:
    (Path(peer.home) / "mill.py").write_text(
        "from prefect import flow\n\n@flow\ndef mill(said: str = 'x'):\n    return said\n"
    )
    (Path(peer.home) / "prefect.yaml").write_text(PREFECT_YAML)
    peer.cli("work-pool", "create", "deploying", "--type", "process")
    for _ in range(2):
        peer.cli("--no-prompt", "deploy", "--all")
    found = post(f"{peer.api_url}/automations/filter", {})
    (deployment,) = post(f"{peer.api_url}/deployments/filter", {"deployments": {"name": {"any_": ["opened"]}}})
    theirs = [one for one in found if one["actions"][0].get("deployment_id") == deployment["id"]]
    assert [one["trigger"]["type"] for one in theirs] == ["event", "compound"]
    assert theirs[0]["actions"][0]["parameters"] == {"said": "{{ event.resource.id }}"}


def post(url: str, body: Seen) -> Any:
    """The JSON that answers a request."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
