"""Webhooks and notifications reach whom they are meant for, and nobody in a private network unless that is allowed."""

import asyncio
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from headrace.server.automations.actions import outgoing
from headrace.server.automations.actions.outgoing import Call
from headrace.server.automations.actions.work import ActionFailed
from headrace.server.blocks import catalogue
from headrace.settings import Settings
from headrace.wire.times import now
from tests.server.api import Api, Json
from tests.server.automations.acting import act, carry_out, make_due, only
from tests.server.automations.listening import Listener, listening
from tests.server.told import told


@pytest.fixture
def settings(database_settings: Settings) -> Settings:
    return database_settings


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as heard:
        yield heard


async def block(api: Api, slug: str, **data: Json) -> str:
    """The id of a new block of one of the server's own types."""
    await catalogue.ensure(api.store, now())
    kind = (await api.get(f"/block_types/slug/{slug}")).json["id"]
    body = {"block_schemas": {"block_type_id": {"any_": [kind]}}}
    schema = (await api.post("/block_schemas/filter", body)).json[0]["id"]
    named = {"name": f"b-{uuid4().hex}", "data": data, "block_type_id": kind, "block_schema_id": schema}
    made = await api.post("/block_documents/", named)
    assert made.status == 201, made.json
    return made.json["id"]


async def webhook(api: Api, listener: Listener, **data: Json) -> Json:
    id = await block(api, "webhook", **({"url": f"{listener.url}/hook?token=secret"} | data))
    return {"type": "call-webhook", "block_document_id": id}


async def test_a_webhook_is_called_with_its_payload_rendered(api: Api, settings: Settings, listener: Listener) -> None:
    action = await webhook(api, listener, method="PUT", headers={"x-mill": "wheel"})
    action["payload"] = {"said": "{{ event.payload.x }}", "all": "{{ event.resource['prefect.resource.id'] }}"}
    row = only(await act(api, settings, action), status="EXECUTED")
    (heard,) = listener.heard
    assert (heard.method, heard.path, heard.json) == ("PUT", "/hook?token=secret", {"said": "1", "all": "my.thing"})
    assert (heard.headers["x-mill"], heard.headers["content-type"]) == ("wheel", "application/json")
    assert heard.headers["idempotency-key"] == str(row["id"])
    assert (row["result"]["status_code"], row["result"]["response_body"]) == (200, "thanks")
    executed = (await told(api.store, "automation"))[-1]
    assert [one["prefect.resource.role"] for one in executed.related[:2]] == ["block", "block-type"]
    assert executed.related[1]["prefect.resource.id"] == "prefect.block-type.webhook"


async def test_a_webhook_that_fails_for_now_is_called_again_under_the_same_key(
    api: Api, settings: Settings, listener: Listener
) -> None:
    listener.statuses = [503, 429]
    action = await webhook(api, listener) | {"payload": "text"}
    row = only(await act(api, settings, action), status="PENDING", attempts=1)
    assert "503" in row["reason"]
    assert row["due"] > now()
    await make_due(api)
    only(await carry_out(api, settings), status="PENDING", attempts=2)
    await make_due(api)
    only(await carry_out(api, settings), status="EXECUTED", attempts=3)
    assert len({heard.headers["idempotency-key"] for heard in listener.heard}) == 1
    assert [heard.text for heard in listener.heard] == ["text"] * 3


async def test_a_webhook_is_given_up_after_five_attempts(api: Api, settings: Settings, listener: Listener) -> None:
    listener.statuses = [500] * 9
    done = await act(api, settings, await webhook(api, listener))
    for _ in range(4):
        await make_due(api)
        done = await carry_out(api, settings)
    only(done, status="FAILED", attempts=5)
    failed = (await told(api.store, "automation"))[-1]
    assert (failed.event, failed.payload["status_code"]) == ("prefect.automation.action.failed", 500)


@pytest.mark.parametrize(("status", "why"), [(404, "status 404"), (302, "redirect"), (401, "status 401")])
async def test_a_refusal_of_a_webhook_is_final_and_tells_no_secret(
    api: Api, settings: Settings, listener: Listener, status: int, why: str
) -> None:
    listener.statuses = [status]
    row = only(await act(api, settings, await webhook(api, listener)), status="FAILED", attempts=1)
    assert why in row["reason"]
    assert "secret" not in row["reason"]
    assert len(listener.heard) == 1


async def test_a_host_that_cannot_be_reached_is_tried_again(api: Api, settings: Settings) -> None:
    with listening() as gone:
        pass
    only(await act(api, settings, await webhook(api, gone)), status="PENDING", attempts=1)


async def test_a_private_address_is_called_only_where_the_block_allows_it(
    api: Api, settings: Settings, listener: Listener
) -> None:
    row = only(
        await act(api, settings, await webhook(api, listener, allow_private_urls=False)), status="FAILED", attempts=1
    )
    assert "private network" in row["reason"]
    assert listener.heard == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "192.168.1.1", "169.254.169.254", "[::ffff:127.0.0.1]", "0.0.0.0"],
)
async def test_no_private_address_passes_for_a_public_one(host: str) -> None:
    with pytest.raises(ActionFailed, match="private network"):
        await outgoing.call(Call(method="GET", url=f"http://{host}:9/", allow_private=False))


@pytest.mark.parametrize("url", ["", "ftp://a/b", "http://", "file:///etc/passwd", "http://a:x/", "//a/b", "http://[a"])
async def test_what_is_no_http_address_is_refused(url: str) -> None:
    with pytest.raises(ActionFailed, match="URL") as failed:
        await outgoing.call(Call(method="GET", url=url))
    assert not failed.value.again


async def test_a_call_that_is_cut_off_gives_its_thread_back(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_thread = ThreadPoolExecutor(max_workers=1)
    monkeypatch.setattr(outgoing, "_threads", lambda: only_thread)
    listener.answering.clear()
    calling = asyncio.create_task(outgoing.call(Call(method="GET", url=listener.url, timeout=60)))
    assert await asyncio.to_thread(listener.reached.wait, 20)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    async with asyncio.timeout(20):
        assert await outgoing.in_thread(lambda: "free") == "free"
    only_thread.shutdown()


async def test_a_header_cannot_bring_in_another(listener: Listener) -> None:
    with pytest.raises(ActionFailed, match="cannot be made"):
        await outgoing.call(Call(method="GET", url=listener.url, headers={"x": "a\r\nEvil: yes"}))
    assert listener.heard == []


async def test_a_block_of_another_type_is_not_called(api: Api, settings: Settings, listener: Listener) -> None:
    slack = await block(api, "slack-webhook", url=listener.url)
    row = only(await act(api, settings, {"type": "call-webhook", "block_document_id": slack}), status="FAILED")
    assert row["reason"] == "The referenced block was not a webhook block"
    hook = (await webhook(api, listener))["block_document_id"]
    notify = {"type": "send-notification", "block_document_id": hook, "body": "x"}
    assert (await act(api, settings, notify))[-1]["reason"] == "The referenced block was not a notification block"
    assert listener.heard == []


async def test_slack_is_told_subject_and_body(api: Api, settings: Settings, listener: Listener) -> None:
    slack = await block(api, "slack-webhook", url=f"{listener.url}/services/x")
    run = await api.flow_run({"type": "RUNNING"}, name="brisk-otter")
    action = {
        "type": "send-notification",
        "block_document_id": slack,
        "subject": "{{ flow_run.name }} is {{ flow_run.state.name }}",
        "body": "{{ event.event }}",
    }
    only(await act(api, settings, action, on=f"prefect.flow-run.{run}"), status="EXECUTED", result={"status_code": 200})
    assert listener.heard[0].json == {"text": "*brisk-otter is Running*\nsomething.happened"}


async def test_a_custom_notification_fills_in_its_places_and_secrets(
    api: Api, settings: Settings, listener: Listener
) -> None:
    custom = await block(
        api,
        "custom-webhook",
        name="pager",
        url=f"{listener.url}/{{{{name}}}}",
        params={"q": "{{subject}}"},
        json_data={"text": "{{body}}", "list": ["{{ token }}", "{{unknown}}", 1]},
        headers={"x-token": "{{token}}"},
        cookies={"c": "{{name}}"},
        secrets={"token": "s3cret"},
    )
    action = {"type": "send-notification", "block_document_id": custom, "subject": "a b", "body": 'says "hi"'}
    only(await act(api, settings, action), status="EXECUTED")
    (heard,) = listener.heard
    assert heard.path == "/pager?q=a+b"
    assert heard.json == {"text": 'says "hi"', "list": ["s3cret", "{{unknown}}", 1]}
    assert (heard.headers["x-token"], heard.headers["cookie"]) == ("s3cret", "c=pager")


async def other_notifier(api: Api, url: str) -> str:
    """A block of a type that a user has registered, which sends by apprise."""
    kind = (await api.post("/block_types/", {"name": "Mail", "slug": f"mail-{uuid4().hex}"})).json["id"]
    schema = {"block_type_id": kind, "fields": {"type": "object"}, "capabilities": ["notify"]}
    schema_id = (await api.post("/block_schemas/", schema)).json["id"]
    named = {"name": "m", "data": {"url": url}, "block_type_id": kind, "block_schema_id": schema_id}
    return (await api.post("/block_documents/", named)).json["id"]


async def test_other_notifications_need_apprise_and_say_how_to_get_it(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    id = await other_notifier(api, "mailto://x")
    action = {"type": "send-notification", "block_document_id": id, "body": "x"}
    row = only(await act(api, settings, action), status="FAILED", attempts=1)
    assert 'pip install "headrace[notifications]"' in row["reason"]


async def test_other_notifications_are_handed_to_apprise(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What apprise makes of them is its own affair: it is a stand-in here."""
    sent: list[Any] = []

    class Apprise:
        def add(self, url: str) -> bool:
            sent.append(url)
            return True

        def notify(self, **said: Any) -> bool:
            sent.append(said)
            return True

    monkeypatch.setitem(sys.modules, "apprise", SimpleNamespace(Apprise=Apprise))
    id = await other_notifier(api, "mailto://x")
    action = {"type": "send-notification", "block_document_id": id, "subject": "s", "body": "b"}
    only(await act(api, settings, action), status="EXECUTED")
    assert sent == ["mailto://x", {"body": "b", "title": "s", "notify_type": "info"}]
