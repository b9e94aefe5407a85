"""The status of each service, put together from what this process knows and what the servers have told of theirs."""

from datetime import datetime

from headrace.server.services import queries
from headrace.server.services.base import Service
from headrace.server.services.queries import ServiceRow
from headrace.server.services.records import Record
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.services import ServiceStatus


async def report(store: Store, settings: Settings) -> list[ServiceStatus]:
    """Every service, in the order of their registry; one that no server runs says so."""
    rows = await queries.read(store)
    return [_status(kind, kind.of(store), rows.get(kind.name), settings) for kind in Service.all_services()]


def _status(kind: type[Service], service: Service | None, row: ServiceRow | None, settings: Settings) -> ServiceStatus:
    status = ServiceStatus(
        name=kind.name, enabled=kind.enabled(settings), running=service is not None and service.started_event.is_set()
    )
    status.exclusive = kind.exclusive
    if row is not None:
        _add_told(status, row)
    if service is not None:
        _add_own(status, service.record)
    return status


def _add_told(status: ServiceStatus, row: ServiceRow) -> None:
    """What the servers have told."""
    status.running |= row.held if status.exclusive else row.fresh
    status.paused, status.run_requested_at = row.paused, row.run_requested_at
    if row.held:
        status.holder, status.held_until = row.holder, row.held_until
    status.ticks, status.last_tick, status.duration, status.lag = row.ticks, row.last_tick, row.duration, row.lag
    status.errors, status.failures = row.errors, row.failures
    status.last_error, status.last_error_at = row.last_error, row.last_error_at


def _add_own(status: ServiceStatus, record: Record) -> None:
    """What this process has not told yet; of several servers' ticks, the last one counts."""
    status.ticks += record.ticks - record.told_ticks
    status.errors += record.errors - record.told_errors
    if _is_later(record.last_tick, status.last_tick):
        status.last_tick, status.lag, status.failures = record.last_tick, record.lag, record.failures
        status.duration = record.duration
    if _is_later(record.last_error_at, status.last_error_at):
        status.last_error, status.last_error_at = record.last_error, record.last_error_at


def _is_later(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and (other is None or one >= other)
