"""The action that sends a notification, by whatever service its block is for."""

import importlib
from functools import partial
from typing import Any, cast

import msgspec

from headrace.server.automations.actions import outgoing, template_context
from headrace.server.automations.actions.blocks import Block, block_of
from headrace.server.automations.actions.notifications import NOTIFIERS, Message, Notifier
from headrace.server.automations.actions.work import ActionFailed, Work
from headrace.server.automations.events import Ending
from headrace.wire.actions import SendNotification

_CAPABILITY = "notify"
_INSTALL = 'pip install "headrace[notifications]"'


class _Addressed(msgspec.Struct):
    """A block that only says where to send, in the form that apprise knows, such as `mailto://…`."""

    url: str
    notify_type: str = "info"


async def send(work: Work, action: SendNotification) -> Ending:
    """Render subject and body, and send them."""
    block = await block_of(work, action.block_document_id)
    if _CAPABILITY not in block.capabilities:
        raise ActionFailed("The referenced block was not a notification block", related=block.related)
    subject, body = await template_context.rendered(work, action.subject, action.body)
    message = Message(subject, body, work.job.id)
    try:
        return await _send(block, message)
    except ActionFailed as failed:
        raise ActionFailed(str(failed), failed.ending.result, block.related, again=failed.again) from failed


async def _send(block: Block, message: Message) -> Ending:
    kind = NOTIFIERS.get(block.type_slug)
    if kind is None:
        await _send_by_apprise(block.read_as(_Addressed), message)
        return Ending(related=block.related)
    status = 0
    for call in cast("Notifier", block.read_as(kind)).calls(message):
        status = (await outgoing.call(call)).status
    return Ending(result={"status_code": status}, related=block.related)


async def _send_by_apprise(block: _Addressed, message: Message) -> None:
    """Send by apprise, which knows many services that have no block of their own."""
    try:
        apprise: Any = importlib.import_module("apprise")
    except ImportError:
        raise ActionFailed(f"Blocks of this type are sent by apprise, which is not installed: {_INSTALL}") from None
    sender = apprise.Apprise()
    if not sender.add(block.url):
        raise ActionFailed("The URL of the block is none that apprise knows.")
    notify = partial(sender.notify, body=message.body, title=message.subject, notify_type=block.notify_type)
    sent = await outgoing.in_thread(notify)
    if not sent:
        raise ActionFailed("apprise could not deliver the notification.", again=True)
