"""Making automations, trying them and seeing what they did, against a real server."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from headrace.client.orchestration import SyncHeadraceClient
from headrace.wire.events import Event
from headrace.wire.firings import ActionStatus
from headrace.wire.times import now
from tests.cli.conftest import Command

ENDED = (ActionStatus.EXECUTED, ActionStatus.FAILED)


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"automation-{uuid4()}"


def said(name: str, **fields: Any) -> dict[str, Any]:
    """An automation as a file says it."""
    return {
        "name": name,
        "trigger": {"expect": [f"{name}.shipped"]},
        "actions": [{"type": "do-nothing"}],
    } | fields


@pytest.fixture
def make(served: Command) -> Callable[[dict[str, Any]], str]:
    """Make an automation and give its id."""

    def create(automation: dict[str, Any]) -> str:
        answer = served("automation", "create", "--from-json", json.dumps(automation))
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    return create


Make = Callable[[dict[str, Any]], str]


def test_an_automation_is_made_listed_and_inspected(served: Command, make: Make, name: str) -> None:
    id_ = make(said(name, description="what it is for", tags=[name]))
    header, row = served("automations", "ls", "--tag", name).stdout.splitlines()
    assert header.split() == ["ID", "NAME", "STATE", "WHEN", "DOES", "CHANGED"]
    assert row.startswith(f"{id_}  {name}  enabled  1 × {name}.shipped  do-nothing")
    shown = served("automation", "inspect", name).stdout
    assert "what it is for" in shown
    assert f"when\n  1 × {name}.shipped\ndoes\n  do-nothing\n" in shown
    assert json.loads(served("automation", "inspect", id_, "-o", "json").stdout)["trigger"]["posture"] == "Reactive"


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_file_may_hold_several(served: Command, name: str, form: str, tmp_path: Path) -> None:
    several = {"automations": [said(f"{name}-{n}") for n in range(2)]}
    file = tmp_path / f"automations.{form}"
    file.write_text(json.dumps(several) if form == "json" else yaml.safe_dump(several))
    answer = served("automation", "create", file)
    assert answer.returncode == 0, answer.stderr
    assert len(answer.stdout.split()) == 2
    assert served("automation", "create", "--from-file", file).returncode == 0
    assert len(served("automation", "ls", "-o", "id").stdout.split()) >= 2


def test_what_was_inspected_can_be_changed_and_given_back(served: Command, make: Make, name: str) -> None:
    make(said(name))
    kept = json.loads(served("automation", "inspect", name, "-o", "json").stdout)
    kept["actions"] = [{"type": "cancel-flow-run"}]
    changed = served("automation", "update", name, "-", stdin=json.dumps(kept))
    assert changed.returncode == 0, changed.stderr
    assert "does\n  cancel-flow-run\n" in served("automation", "inspect", name).stdout


def test_automations_are_paused_resumed_and_deleted(
    served: Command, make: Make, api: SyncHeadraceClient, name: str
) -> None:
    id_, other = make(said(name)), make(said(f"{name}-other"))
    assert served("automation", "pause", name, other).returncode == 0
    assert [each.enabled for each in (api.read_automation(id_), api.read_automation(other))] == [False, False]
    assert served("automation", "resume", name).stderr == f"Automation {id_} is enabled.\n"
    assert api.read_automation(id_).enabled
    assert served("automation", "delete", name, other, "--yes").returncode == 0
    gone = served("automation", "inspect", name)
    assert (gone.returncode, len(gone.stderr.splitlines())) == (1, 1)


def test_what_an_automation_did_is_listed(served: Command, make: Make, api: SyncHeadraceClient, name: str) -> None:
    id_ = make(said(name, actions=[{"type": "do-nothing"}, {"type": "cancel-flow-run"}]))
    never = served("automation", "firings", name)
    assert (never.returncode, never.stdout, never.stderr) == (0, "", "It has not acted yet.\n")
    event = Event(id=uuid4(), occurred=now(), event=f"{name}.shipped", resource={"prefect.resource.id": "acme.order"})
    api.post_events([event])
    until_ended(api, id_)
    header, row = served("automation", "firings", name).stdout.splitlines()
    assert header.split() == ["ID", "FIRED", "EVENT", "FOR", "ACTIONS"]
    assert f"{name}.shipped" in row
    assert "do-nothing EXECUTED, cancel-flow-run FAILED (" in row
    (firing,) = json.loads(served("automation", "firings", name, "-o", "json").stdout)
    failed = firing["actions"][1]["id"]
    assert served("automation", "retry", failed).returncode == 0
    until_ended(api, id_, attempts=2)


def until_ended(api: SyncHeadraceClient, automation_id: Any, attempts: int = 1) -> None:
    """Wait until the automation fired and its last action was begun so often and has ended."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        actions = [each for firing in api.read_automation_firings(automation_id).firings for each in firing.actions]
        if actions and all(each.status in ENDED for each in actions) and actions[-1].attempts >= attempts:
            return
        time.sleep(0.05)
    pytest.fail("the actions did not end")


def test_an_automation_is_tried_before_it_is_made(
    served: Command, api: SyncHeadraceClient, make: Make, name: str
) -> None:
    event = Event(id=uuid4(), occurred=now(), event=f"{name}.shipped", resource={"prefect.resource.id": "acme.order"})
    api.post_events([event])
    tried = served("automation", "test", "--from-json", json.dumps(said(name)), "--days", "1")
    assert tried.returncode == 0, tried.stderr
    assert tried.stderr.startswith("It would have acted once since ")
    assert len(tried.stdout.splitlines()) == 1
    from_stdin = served("automation", "test", "-", "-o", "json", stdin=json.dumps(said(name)))
    assert json.loads(from_stdin.stdout)["count"] == 1
    make(said(name))
    known = json.loads(served("automation", "test", name, "-o", "json").stdout)
    assert (known["count"], known["firings"][0]["events"]) == (1, [str(event.id)])


WRONG: list[tuple[list[str], int, str]] = [
    (["create"], 2, "give a file"),
    (["create", "--from-json", "{"], 2, "no JSON"),
    (["create", "--from-json", "{}"], 2, "name"),
    (["create", "--from-json", json.dumps(said("x", trigger={"type": "metric"}))], 2, "metric"),
    (["create", "--from-json", json.dumps(said("x", colour="red"))], 2, "colour"),
    (["create", "not-there.json"], 1, "not-there.json"),
    (["update", "x", "--from-json", "[]"], 2, "One automation"),
    (["inspect", "nobody-knows"], 1, "headrace automation ls"),
    (["pause"], 2, "ids or names"),
    (["test"], 2, "give a file"),
    (["test", "x", "--from-json", "{}"], 2, "not both"),
    (["retry"], 2, "firings"),
    (["retry", "this-one"], 2, "this-one"),
]


@pytest.mark.parametrize(("arguments", "code", "reason"), WRONG, ids=[" ".join(each[0])[:40] for each in WRONG])
def test_what_is_wrong_is_told_in_one_line(served: Command, arguments: list[str], code: int, reason: str) -> None:
    answer = served("automation", *arguments)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (code, 1), answer.stderr
    assert reason in answer.stderr
