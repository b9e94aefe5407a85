"""`headrace.operation.<status>`: what the events of operations say."""

from datetime import datetime

from headrace.server.events import log
from headrace.server.events.facts import NAME, happened
from headrace.server.operations.records import Record
from headrace.server.store.base import Connection
from headrace.wire.events import RESOURCE_ID
from headrace.wire.operations import OperationStatus

UNDONE = "undone"


async def tell(transaction: Connection, record: Record, what: OperationStatus | str, moment: datetime) -> None:
    """Put into the log what has become of an operation, with how far it is."""
    subject = {
        RESOURCE_ID: f"headrace.operation.{record.id}",
        NAME: f"{record.kind} {record.noun}",
        "headrace.operation-kind": record.kind.value,
        "headrace.operation-noun": record.noun.value,
    }
    payload = {
        "reason": record.reason,
        "created_by": None if record.created_by is None else record.created_by.display_value,
        "policy": record.policy,
        "total": record.total,
        "done": record.done,
        "changed": record.changed,
        "skipped": record.skipped,
        "failed": record.failed,
        "counts": record.counts,
        "error": record.error,
        "undoes": None if record.undoes is None else str(record.undoes),
    }
    told = {name: value for name, value in payload.items() if value is not None}
    await log.append(transaction, [happened(f"headrace.operation.{what}", subject, moment, payload=told)], moment)
