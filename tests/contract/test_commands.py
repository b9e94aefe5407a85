"""Each noun through Prefect's own command line, many commands to a process."""

import json
import urllib.request
from typing import Any

import pytest

from tests.contract.conftest import Peer

pytestmark = pytest.mark.xdist_group("contract-commands")

COMMANDS = {
    "pool made": "work-pool create mill --type process",
    "pools": "work-pool ls",
    "pool paused": "work-pool pause mill",
    "pool": "work-pool inspect mill",
    "pool resumed": "work-pool resume mill",
    "pool limited": "work-pool set-concurrency-limit mill 5",
    "pool limits": "work-pool inspect mill",
    "queue made": "work-queue create fast --pool mill --limit 3 --priority 1",
    "queues": "work-queue ls --pool mill",
    "queue paused": "work-queue pause fast --pool mill",
    "queue": "work-queue inspect fast --pool mill",
    "queue resumed": "work-queue resume fast --pool mill",
    "flows": "flow ls",
    "deployments": "deployment ls",
    "schedule made": "deployment schedule create grind/daily --cron 0_6_*_*_*",
    "schedules": "deployment schedule ls grind/daily",
    "run made": "deployment run grind/daily --param sacks=3",
    "runs": "flow-run ls",
    "variable made": "variable set stones two",
    "variable": "variable get stones",
    "variables": "variable ls",
    "variable overwritten": "variable set stones three --overwrite",
    "variable again": "variable inspect stones",
    "artifacts": "artifact ls",
    "artifact": "artifact inspect mill-report",
    "tag limit made": "concurrency-limit create sluice 4",
    "tag limits": "concurrency-limit ls",
    "tag limit": "concurrency-limit inspect sluice",
    "tag limit reset": "concurrency-limit reset sluice",
    "global limit made": "global-concurrency-limit create gate --limit 3",
    "global limits": "global-concurrency-limit ls",
    "global limit": "global-concurrency-limit inspect gate",
    "global limit changed": "global-concurrency-limit update gate --limit 7",
    "global limit again": "global-concurrency-limit inspect gate",
    "global limit disabled": "global-concurrency-limit disable gate",
    "block types": "block type ls",
    "block type": "block type inspect secret",
    "blocks": "block ls",
    "global limit deleted": "--no-prompt global-concurrency-limit delete gate",
    "tag limit deleted": "--no-prompt concurrency-limit delete sluice",
    "artifact deleted": "--no-prompt artifact delete mill-report",
    "variable deleted": "--no-prompt variable unset stones",
    "deployment deleted": "--no-prompt deployment delete grind/daily",
    "queue deleted": "--no-prompt work-queue delete fast --pool mill",
    "pool deleted": "--no-prompt work-pool delete mill",
    "pools left": "work-pool ls",
}
"""What a person types, in order; `_` stands for a space inside a word."""


@pytest.fixture(scope="module")
def printed(peer_on_sqlite: Peer) -> dict[str, str]:
    """What each command printed; all of them must succeed."""
    flow = post(peer_on_sqlite, "/flows/", {"name": "grind"})
    schema = {"type": "object", "properties": {"sacks": {"type": "integer"}}}
    deployment = {"name": "daily", "flow_id": flow["id"], "entrypoint": "mill.py:grind", "path": "."}
    deployment["parameter_openapi_schema"] = schema
    post(peer_on_sqlite, "/deployments/", deployment)
    post(peer_on_sqlite, "/artifacts/", {"key": "mill-report", "type": "markdown", "data": "# Flour"})
    words = [[word.replace("_", " ") for word in command.split()] for command in COMMANDS.values()]
    answers = peer_on_sqlite.script("commands.py", json.dumps(words))
    by_name = dict(zip(COMMANDS, answers, strict=True))
    failed = {COMMANDS[name]: answer for name, answer in by_name.items() if answer["code"]}
    assert not failed, json.dumps(failed, indent=2)
    return {name: answer["printed"] for name, answer in by_name.items()}


def post(peer: Peer, path: str, body: Any) -> Any:
    request = urllib.request.Request(
        peer.api_url + path, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


@pytest.mark.parametrize(
    ("name", "shows"),
    {
        "pools": ["mill", "process"],
        "pool": ["mill", "PAUSED"],
        "pool limits": ["concurrency_limit=5"],
        "queues": ["fast", "default"],
        "queue": ["fast", "PAUSED"],
        "flows": ["grind"],
        "deployments": ["grind/daily"],
        "schedules": ["0 6 * * *"],
        "runs": ["grind"],
        "variable": ["two"],
        "variables": ["stones"],
        "variable again": ["three"],
        "artifacts": ["mill-report", "markdown"],
        "artifact": ["# Flour"],
        "tag limits": ["sluice", "4"],
        "tag limit": ["sluice", "4"],
        "global limits": ["gate", "3"],
        "global limit": ["gate"],
        "global limit again": ["7"],
        "block types": ["secret", "local-file-system"],
        "block type": ["Secret"],
    }.items(),
)
def test_a_command_shows_what_the_server_holds(printed: dict[str, str], name: str, shows: list[str]) -> None:
    for text in shows:
        assert text in printed[name]


def test_what_was_deleted_is_not_listed(printed: dict[str, str]) -> None:
    assert "mill" not in printed["pools left"]
