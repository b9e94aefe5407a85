"""Actions through real faults: the server that carries one out is killed, and another goes on with it."""

import json
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from headrace.settings import Settings
from tests.processes import ServerProcess, serving
from tests.server.automations.listening import Listener, listening

Json = Any


def test_a_webhook_that_a_killed_server_was_calling_is_called_again_under_its_key(
    database_settings: Settings, tmp_path: Path
) -> None:
    url = database_settings.server.database.url
    with listening() as listener:
        listener.answering.clear()
        with serving(tmp_path, url) as killed:
            automation = make(killed, listener)
            body = {"id": str(uuid4()), "occurred": datetime.now(UTC).isoformat(), "event": "mill.turned"}
            ask(killed, "POST", "/events", [body | {"resource": {"prefect.resource.id": "mill.1"}}])
            until(lambda: listener.heard)
            killed.process.kill()
            killed.process.wait()
        listener.answering.set()
        with serving(tmp_path, url) as server:
            done = until(lambda: executed(server, automation))
    assert (len(done), done[0]["attempts"], done[1]["attempts"]) == (2, 2, 1)
    assert len({heard.headers["idempotency-key"] for heard in listener.heard}) == 1
    assert len(listener.heard) == 2


def make(server: ServerProcess, listener: Listener) -> str:
    """An automation that calls the listener, and then does nothing."""
    kind = ask(server, "GET", "/block_types/slug/webhook")["id"]
    wanted = {"block_schemas": {"block_type_id": {"any_": [kind]}}}
    schema = ask(server, "POST", "/block_schemas/filter", wanted)[0]["id"]
    block = {"name": "hook", "block_type_id": kind, "block_schema_id": schema, "data": {"url": listener.url}}
    hook = ask(server, "POST", "/block_documents/", block)["id"]
    trigger = {"type": "event", "posture": "Reactive", "expect": ["mill.turned"]}
    actions = [{"type": "call-webhook", "block_document_id": hook, "payload": "{}"}, {"type": "do-nothing"}]
    return ask(server, "POST", "/automations/", {"name": "call", "trigger": trigger, "actions": actions})["id"]


def executed(server: ServerProcess, automation: str) -> Json:
    """The actions of the one firing, once all of them were executed."""
    (firing,) = ask(server, "GET", f"/x/automations/{automation}/firings")["firings"]
    return firing["actions"] if {each["status"] for each in firing["actions"]} == {"EXECUTED"} else None


def ask(server: ServerProcess, method: str, path: str, body: Json = None) -> Json:
    sent = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{server.api_url}{path}", sent, {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def until(ask_again: Callable[[], Json], timeout: float = 90) -> Json:
    """What is answered once it is anything at all."""
    deadline = time.monotonic() + timeout
    while not (found := ask_again()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)
    return found
