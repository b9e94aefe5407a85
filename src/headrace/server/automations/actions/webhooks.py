"""The action that calls a webhook, as a block of the type Webhook describes it."""

from typing import Any

import msgspec

from headrace.server.automations.actions import outgoing, template_context
from headrace.server.automations.actions.blocks import Block, block_of
from headrace.server.automations.actions.outgoing import Call
from headrace.server.automations.actions.work import ActionFailed, Work
from headrace.server.automations.events import Ending
from headrace.wire.actions import CallWebhook


class _Webhook(msgspec.Struct):
    url: str
    method: str = "POST"
    headers: dict[str, Any] = {}
    allow_private_urls: bool = True
    verify: bool = True


async def call(work: Work, action: CallWebhook) -> Ending:
    """Render the payload and send it; `Idempotency-Key` is the same for each attempt."""
    block = await block_of(work, action.block_document_id)
    if block.type_slug != "webhook":
        raise ActionFailed("The referenced block was not a webhook block", related=block.related)
    (payload,) = await template_context.rendered(work, action.payload)
    try:
        answer = await outgoing.call(_as_call(work, block, payload))
    except ActionFailed as failed:
        raise ActionFailed(str(failed), failed.ending.result, block.related, again=failed.again) from failed
    return Ending(result=answer.told, related=block.related)


def _as_call(work: Work, block: Block, payload: str) -> Call:
    hook = block.read_as(_Webhook)
    headers = {name: str(value) for name, value in hook.headers.items()}
    names = {name.lower() for name in headers}
    if payload and "content-type" not in names:
        headers["Content-Type"] = "application/json" if _is_json(payload) else "text/plain; charset=utf-8"
    if "idempotency-key" not in names:
        headers["Idempotency-Key"] = str(work.job.id)
    return Call(
        method=hook.method.upper(),
        url=hook.url,
        headers={"User-Agent": "headrace"} | headers,
        body=payload.encode(),
        allow_private=hook.allow_private_urls,
        verify=hook.verify,
    )


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
