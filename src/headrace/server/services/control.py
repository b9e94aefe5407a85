"""Pausing services, and having them run now, at whichever servers of the database they are run."""

from headrace.server.services import queries
from headrace.server.services.base import Service
from headrace.server.services.reporting import report
from headrace.server.store.base import Store, Topic
from headrace.settings import Settings
from headrace.wire.errors import Conflict, ObjectNotFound
from headrace.wire.services import ServiceStatus


async def set_paused(store: Store, settings: Settings, name: str, *, paused: bool) -> ServiceStatus:
    """Let a service make no more ticks at any server, or go on; servers follow within seconds.

    The tick under way ends as it would. Raises `ObjectNotFound`.
    """
    kind = _kind(name)
    async with store.transaction() as transaction:
        await queries.make(transaction, [kind.name])
        await queries.set_paused(transaction, kind.name, paused)
        transaction.announce(Topic.SERVICES)
    return await _status(store, settings, name)


async def run_now(store: Store, settings: Settings, name: str) -> ServiceStatus:
    """Have one server make a tick of a service at once, even if the service is paused.

    Raises `ObjectNotFound`, and `Conflict` where no server runs the service.
    """
    kind = _kind(name)
    if not (await _status(store, settings, name)).running:
        raise Conflict(
            f"No server runs the service {name} now: start one, and see that {kind.environment_variable_name()} is not "
            "false there."
        )
    async with store.transaction() as transaction:
        await queries.make(transaction, [kind.name])
        await queries.request(transaction, kind.name)
        transaction.announce(Topic.SERVICES)
    return await _status(store, settings, name)


def _kind(name: str) -> type[Service]:
    kinds = {kind.name: kind for kind in Service.all_services()}
    if name not in kinds:
        raise ObjectNotFound(f"There is no service {name!r}; there are {', '.join(sorted(kinds))}.")
    return kinds[name]


async def _status(store: Store, settings: Settings, name: str) -> ServiceStatus:
    return next(status for status in await report(store, settings) if status.name == name)
