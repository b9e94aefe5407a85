"""`prefect.block-type.<change>`: what a block type's events say (contract §6.3)."""

from datetime import datetime

from headrace.server.events.facts import Change, happened, resource
from headrace.wire.blocks import BlockType
from headrace.wire.events import Event


def block_type_changed(change: Change, block_type: BlockType, moment: datetime) -> Event:
    """The event of a block type that was made, changed or deleted, as it is now or was last."""
    payload = {
        "name": block_type.name,
        "slug": block_type.slug,
        "logo_url": block_type.logo_url,
        "documentation_url": block_type.documentation_url,
        "description": block_type.description,
        "code_example": block_type.code_example,
        "is_protected": block_type.is_protected,
    }
    subject = resource("block-type", block_type.id, block_type.name)
    return happened(f"prefect.block-type.{change}", subject, moment, payload=payload)
