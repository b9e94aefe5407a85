"""The status of each service of this process."""

from headrace.server.services.base import Service
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.services import ServiceStatus


def report(store: Store, settings: Settings) -> list[ServiceStatus]:
    """Every service, in the order of their registry; one that does not run here says so."""
    return [_status(kind, kind.of(store), settings) for kind in Service.all_services()]


def _status(kind: type[Service], service: Service | None, settings: Settings) -> ServiceStatus:
    enabled = kind.enabled(settings)
    if service is None:
        return ServiceStatus(name=kind.name, enabled=enabled, running=False)
    record = service.record
    return ServiceStatus(
        name=kind.name,
        enabled=enabled,
        running=service.started_event.is_set(),
        ticks=record.ticks,
        last_tick=record.last_tick,
        duration=record.duration,
        lag=record.lag,
        errors=record.errors,
        failures=record.failures,
        last_error=record.last_error,
        last_error_at=record.last_error_at,
    )
