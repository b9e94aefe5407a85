"""Each service is sent what its HTTP API wants."""

from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
import pytest

from headrace.server.automations.actions.notifications import NOTIFIERS, Message
from headrace.server.automations.actions.outgoing import Call
from headrace.server.blocks import catalogue

KEY = UUID("00000000-0000-4000-8000-000000000001")
MESSAGE = Message("Late", "mill is late", KEY)


def calls(slug: str, **data: Any) -> list[Call]:
    made: Any = msgspec.convert(data, NOTIFIERS[slug])
    found: list[Call] = made.calls(MESSAGE)
    return found


def only(slug: str, **data: Any) -> tuple[Call, Any]:
    (call,) = calls(slug, **data)
    return call, msgspec.json.decode(call.body)


def test_every_notification_block_of_the_server_can_be_sent() -> None:
    known = {one.type.slug: one for one in catalogue.catalogue().types if "notify" in one.capabilities}
    assert known.keys() == NOTIFIERS.keys()
    for slug, kind in NOTIFIERS.items():
        fields = {field.encode_name for field in msgspec.structs.fields(kind)}
        assert fields <= known[slug].fields["properties"].keys(), slug


def test_teams_is_sent_a_card() -> None:
    call, body = only("ms-teams-webhook", url="https://teams.example.com/x", allow_private_urls=False)
    assert (call.url, call.allow_private) == ("https://teams.example.com/x", False)
    texts = [block["text"] for block in body["attachments"][0]["content"]["body"]]
    assert texts == ["Late", "mill is late"]


def test_discord_is_sent_at_most_2000_characters() -> None:
    (call,) = msgspec.convert({"webhook_id": "1", "webhook_token": "t/x"}, NOTIFIERS["discord-webhook"]).calls(
        Message("s", "x" * 3000, KEY)
    )  # type: ignore[attr-defined]
    assert call.url == "https://discord.com/api/webhooks/1/t/x"
    assert len(msgspec.json.decode(call.body)["content"]) == 2000


def test_mattermost_is_told_channel_by_channel() -> None:
    found = calls("mattermost-webhook", hostname="chat", token="t", secure=True, path="/team/", channels=["a", "b"])
    assert {call.url for call in found} == {"https://chat:8065/team/hooks/t"}
    assert [msgspec.json.decode(call.body)["channel"] for call in found] == ["a", "b"]
    _, body = only("mattermost-webhook", hostname="chat", token="t")
    assert body == {"text": "#### Late\nmill is late"}


def test_pager_duty_recognizes_a_repetition_by_its_key() -> None:
    call, body = only("pager-duty-webhook", integration_key="k", api_key="a", region_name="eu", notify_type="failure")
    assert call.url == "https://events.eu.pagerduty.com/v2/enqueue"
    assert (body["routing_key"], body["dedup_key"], body["event_action"]) == ("k", str(KEY), "trigger")
    assert (body["payload"]["summary"], body["payload"]["severity"]) == ("Late", "critical")
    assert body["payload"]["custom_details"] == {"message": "mill is late"}


def test_twilio_is_sent_a_form_for_each_number() -> None:
    found = calls("twilio-sms", account_sid="AC", auth_token="t", from_phone_number="+1", to_phone_numbers=["+2", "+3"])
    forms = [parse_qs(call.body.decode()) for call in found]
    assert [form["To"] for form in forms] == [["+2"], ["+3"]]
    assert forms[0]["Body"] == ["Late\nmill is late"]
    assert found[0].headers["Authorization"] == "Basic QUM6dA=="


def test_opsgenie_is_told_who_is_to_respond() -> None:
    call, body = only("opsgenie-webhook", apikey="k", target_user=["ann"], target_team=["ops"], priority=1)
    assert call.url == "https://api.opsgenie.com/v2/alerts"
    assert call.headers["Authorization"] == "GenieKey k"
    assert body["responders"] == [{"type": "user", "username": "ann"}, {"type": "team", "name": "ops"}]
    assert (body["priority"], body["alias"]) == ("P1", str(KEY))


def test_sendgrid_is_sent_one_mail_for_all() -> None:
    call, body = only("sendgrid-email", api_key="k", sender_email="a@x", to_emails=["b@x", "c@x"])
    assert call.headers["Authorization"] == "Bearer k"
    assert body["personalizations"] == [{"to": [{"email": "b@x"}, {"email": "c@x"}]}]
    assert (body["from"], body["subject"]) == ({"email": "a@x"}, "Late")


@pytest.mark.parametrize(
    ("form", "sent"),
    [({"text": "{{body}}"}, b"text=mill+is+late"), ("raw {{subject}}", b"raw Late"), (None, b"")],
)
def test_a_custom_webhook_sends_forms_too(form: Any, sent: bytes) -> None:
    (call,) = calls("custom-webhook", url="https://x/", name="n", form_data=form)
    assert call.body == sent
