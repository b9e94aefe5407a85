"""What a notification is to each service: the calls that its HTTP API wants, made from a block's values.

The blocks' fields are those of Prefect's notification blocks. Nothing here touches the network.
"""

import re
from base64 import b64encode
from typing import Any, Protocol, cast
from urllib.parse import quote, urlencode, urlsplit
from uuid import UUID

import msgspec

from headrace.server.automations.actions.outgoing import TIMEOUT, Call
from headrace.wire.base import encode

_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_SEVERITIES = {"info": "info", "success": "info", "warning": "warning", "failure": "critical"}
_LONGEST_DISCORD, _LONGEST_OPSGENIE, _LONGEST_SUMMARY = 2000, 130, 1024


class Message(msgspec.Struct, frozen=True):
    """What is to be said; `key` is the same whenever this notification is sent again."""

    subject: str
    body: str
    key: UUID


class Notifier(Protocol):
    """The values of a block that can send messages."""

    def calls(self, message: Message) -> list[Call]:
        """The requests that send a message, one after the other."""
        ...


class Slack(msgspec.Struct):
    url: str
    allow_private_urls: bool = True

    def calls(self, message: Message) -> list[Call]:
        return [_post(self.url, {"text": f"*{message.subject}*\n{message.body}"}, self.allow_private_urls)]


class Teams(msgspec.Struct):
    url: str
    allow_private_urls: bool = True
    wrap: bool = True

    def calls(self, message: Message) -> list[Call]:
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": [
                {"type": "TextBlock", "text": message.subject, "weight": "Bolder", "size": "Medium", "wrap": True},
                {"type": "TextBlock", "text": message.body, "wrap": self.wrap},
            ],
        }
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
        return [_post(self.url, {"type": "message", "attachments": [attachment]}, self.allow_private_urls)]


class Discord(msgspec.Struct):
    webhook_id: str
    webhook_token: str
    botname: str | None = None
    tts: bool = False
    avatar_url: str | None = None

    def calls(self, message: Message) -> list[Call]:
        content = f"**{message.subject}**\n{message.body}"[:_LONGEST_DISCORD]
        body = {"content": content, "tts": self.tts} | _present(username=self.botname, avatar_url=self.avatar_url)
        return [_post(f"https://discord.com/api/webhooks/{quote(self.webhook_id)}/{quote(self.webhook_token)}", body)]


class Mattermost(msgspec.Struct):
    hostname: str
    token: str
    secure: bool = False
    port: int = 8065
    path: str | None = None
    botname: str | None = None
    channels: list[str] | None = None

    def calls(self, message: Message) -> list[Call]:
        scheme, path = "https" if self.secure else "http", f"/{(self.path or '').strip('/')}".rstrip("/")
        url = f"{scheme}://{self.hostname}:{self.port}{path}/hooks/{quote(self.token)}"
        body = {"text": f"#### {message.subject}\n{message.body}"} | _present(username=self.botname)
        return [_post(url, body | _present(channel=channel)) for channel in self.channels or [None]]


class PagerDuty(msgspec.Struct):
    integration_key: str
    notify_type: str = "info"
    source: str = "Prefect"
    component: str = "Notification"
    group: str | None = None
    class_id: str | None = None
    region_name: str = "us"
    clickable_url: str | None = None
    custom_details: dict[str, str] = {}

    def calls(self, message: Message) -> list[Call]:
        payload = {
            "summary": message.subject[:_LONGEST_SUMMARY],
            "source": self.source,
            "severity": _SEVERITIES.get(self.notify_type, "info"),
            "component": self.component,
            "custom_details": {"message": message.body} | self.custom_details,
        }
        payload |= _present(group=self.group) | ({"class": self.class_id} if self.class_id else {})
        body: dict[str, Any] = {
            "routing_key": self.integration_key,
            "event_action": "trigger",
            "dedup_key": str(message.key),
            "payload": payload,
        }
        if self.clickable_url:
            body["links"] = [{"href": self.clickable_url, "text": message.subject}]
        host = "events.eu.pagerduty.com" if self.region_name == "eu" else "events.pagerduty.com"
        return [_post(f"https://{host}/v2/enqueue", body)]


class Twilio(msgspec.Struct):
    account_sid: str
    auth_token: str
    from_phone_number: str
    to_phone_numbers: list[str]

    def calls(self, message: Message) -> list[Call]:
        url = f"https://api.twilio.com/2010-04-01/Accounts/{quote(self.account_sid)}/Messages.json"
        credentials = b64encode(f"{self.account_sid}:{self.auth_token}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/x-www-form-urlencoded"}
        text = f"{message.subject}\n{message.body}"
        forms = ({"From": self.from_phone_number, "To": number, "Body": text} for number in self.to_phone_numbers)
        return [Call(method="POST", url=url, headers=headers, body=urlencode(form).encode()) for form in forms]


class Opsgenie(msgspec.Struct):
    apikey: str
    target_user: list[str] = []
    target_team: list[str] = []
    target_schedule: list[str] = []
    target_escalation: list[str] = []
    region_name: str = "us"
    tags: list[str] = []
    priority: int = 3
    alias: str | None = None
    entity: str | None = None
    details: dict[str, str] = {}

    def calls(self, message: Message) -> list[Call]:
        named = (("team", self.target_team), ("schedule", self.target_schedule), ("escalation", self.target_escalation))
        responders = [{"type": "user", "username": user} for user in self.target_user]
        responders += [{"type": kind, "name": name} for kind, names in named for name in names]
        body = {
            "message": message.subject[:_LONGEST_OPSGENIE],
            "description": message.body,
            "alias": self.alias or str(message.key),
            "priority": f"P{self.priority}",
            "tags": self.tags,
            "details": self.details,
            "responders": responders,
        }
        host = "api.eu.opsgenie.com" if self.region_name == "eu" else "api.opsgenie.com"
        headers = {"Authorization": f"GenieKey {self.apikey}"}
        return [_post(f"https://{host}/v2/alerts", body | _present(entity=self.entity), headers=headers)]


class Sendgrid(msgspec.Struct):
    api_key: str
    sender_email: str
    to_emails: list[str]

    def calls(self, message: Message) -> list[Call]:
        body = {
            "personalizations": [{"to": [{"email": address} for address in self.to_emails]}],
            "from": {"email": self.sender_email},
            "subject": message.subject,
            "content": [{"type": "text/plain", "value": message.body}],
        }
        headers = {"Authorization": f"Bearer {self.api_key}"}
        return [_post("https://api.sendgrid.com/v3/mail/send", body, headers=headers)]


class Custom(msgspec.Struct):
    """Any HTTP API; `{{subject}}`, `{{body}}`, `{{name}}` and the secrets' names stand for their values anywhere."""

    url: str
    name: str = ""
    method: str = "POST"
    params: dict[str, str] = {}
    json_data: dict[str, Any] | None = None
    form_data: dict[str, str] | str | None = None
    headers: dict[str, str] = {}
    cookies: dict[str, str] = {}
    timeout: float = TIMEOUT
    allow_private_urls: bool = True
    secrets: dict[str, Any] = {}

    def calls(self, message: Message) -> list[Call]:
        known = self.secrets | {"subject": message.subject, "body": message.body, "name": self.name}
        url: str = _filled(self.url, known)
        params: dict[str, str] = _filled(self.params, known)
        if params:
            url = f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(params)}"
        headers: dict[str, str] = _filled(self.headers, known)
        if self.cookies:
            headers |= {"Cookie": "; ".join(f"{key}={value}" for key, value in _filled(self.cookies, known).items())}
        kind, body = self._body(known)
        given = {name.lower() for name in headers}
        headers |= {name: value for name, value in kind.items() if name.lower() not in given}
        return [
            Call(
                method=self.method,
                url=url,
                headers=headers,
                body=body,
                allow_private=self.allow_private_urls,
                timeout=self.timeout,
            )
        ]

    def _body(self, known: dict[str, Any]) -> tuple[dict[str, str], bytes]:
        if self.json_data is not None:
            return {"Content-Type": "application/json"}, encode(_filled(self.json_data, known))
        if self.form_data is None:
            return {}, b""
        form: dict[str, str] | str = _filled(self.form_data, known)
        text = form if isinstance(form, str) else urlencode(form)
        return {"Content-Type": "application/x-www-form-urlencoded"}, text.encode()


NOTIFIERS: dict[str, type[msgspec.Struct]] = {
    "slack-webhook": Slack,
    "ms-teams-webhook": Teams,
    "discord-webhook": Discord,
    "mattermost-webhook": Mattermost,
    "pager-duty-webhook": PagerDuty,
    "twilio-sms": Twilio,
    "opsgenie-webhook": Opsgenie,
    "sendgrid-email": Sendgrid,
    "custom-webhook": Custom,
}
"""The blocks that are known, by the slug of their type."""


def _post(url: str, body: Any, allow_private: bool = True, headers: dict[str, str] | None = None) -> Call:
    sent = {"Content-Type": "application/json", "User-Agent": "headrace"} | (headers or {})
    return Call(method="POST", url=url, headers=sent, body=encode(body), allow_private=allow_private)


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _filled(value: Any, known: dict[str, Any]) -> Any:
    """A copy of a value with the places in its texts filled; a name that nothing is known of stays as it is."""
    match value:
        case str():
            return _PLACE.sub(lambda place: str(known.get(place[1], place[0])), value)
        case dict():
            return {key: _filled(item, known) for key, item in cast("dict[str, Any]", value).items()}
        case list():
            return [_filled(item, known) for item in cast("list[Any]", value)]
        case _:
            return value
