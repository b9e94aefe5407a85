"""The resources that an automation is about, so that it can be found from each of them."""

from collections.abc import Iterator

from headrace.wire.actions import CallWebhook, SendNotification, TargetedAction
from headrace.wire.automations import AutomationUpdate
from headrace.wire.events import RESOURCE_ID
from headrace.wire.filters.events import ResourceSpecification
from headrace.wire.triggers import event_triggers


def concerned(body: AutomationUpdate) -> set[str]:
    """The ids of what its triggers look for and of what its actions work on; patterns are not ids."""
    return {*_looked_for(body), *_worked_on(body)}


def _looked_for(body: AutomationUpdate) -> Iterator[str]:
    for trigger in event_triggers(body.trigger):
        for specification in (trigger.match, *trigger.related):
            yield from _ids(specification)


def _worked_on(body: AutomationUpdate) -> Iterator[str]:
    for action in (*body.actions, *body.actions_on_trigger, *body.actions_on_resolve):
        match action:
            case TargetedAction() if action.selected_id is not None:
                yield f"prefect.{action.noun}.{action.selected_id}"
            case SendNotification(block_document_id=id) | CallWebhook(block_document_id=id):
                yield f"prefect.block-document.{id}"
            case _:
                pass


def _ids(specification: ResourceSpecification) -> Iterator[str]:
    given = specification.get(RESOURCE_ID, [])
    for id in [given] if isinstance(given, str) else given:
        if id and not id.startswith("!") and "*" not in id and "?" not in id:
            yield id
