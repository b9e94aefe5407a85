"""What is told: what this process has seen of its requests, and what the database says of the work that waits.

Nothing here walks a table that grows with history: totals are kept ones, what is open is found by indexes over what is
open, and counted up to a bound. So it can be asked every few seconds, at any size.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from headrace.server.admin.service import own_version
from headrace.server.events.persister import EventPersister
from headrace.server.latency.meter import BOUNDS, meter_of
from headrace.server.metrics.exposition import Family, Sample, histogram
from headrace.server.purge import backlog
from headrace.server.purge.service import Purge
from headrace.server.services.reporting import report
from headrace.server.store.base import Row, Statement, Store
from headrace.server.store.tallies import TOTAL
from headrace.settings import Settings
from headrace.wire.errors import HeadraceError
from headrace.wire.states import TERMINAL_STATES, StateType

MOST_COUNTED = 10_000
"""Up to how many open runs of a state are counted."""

_NOUNS = ("flow_runs", "task_runs")
_OPEN_STATES = [type_.value for type_ in StateType if type_ not in TERMINAL_STATES]
_OPEN = {
    noun: Statement(
        f"SELECT count(*) FROM (SELECT 1 FROM {noun} WHERE state_type = $1 AND deleted_at IS NULL"
        f" LIMIT {MOST_COUNTED}) AS counted"
    )
    for noun in _NOUNS
}
_HIDDEN = Statement("SELECT count(*) FROM hidden_runs")
_OPERATIONS = Statement("SELECT status, count(*) FROM operations WHERE finished IS NULL GROUP BY status")
_CONSUMERS = Statement(
    "SELECT name, coalesce((SELECT max(seq) FROM events), 0) - seq FROM event_consumers ORDER BY name"
)

_log = logging.getLogger("headrace.server.metrics")

Part = Callable[[Store, Settings, datetime], Awaitable[list[Family]]]


async def collect(store: Store, settings: Settings, moment: datetime) -> list[Family]:
    """All families. Where the database does not answer, what this process knows by itself, and that it does not."""
    families, up = [*_process(store)], 1
    for part in _PARTS:
        try:
            families += await part(store, settings, moment)
        except HeadraceError as error:
            _log.warning("metrics_incomplete", extra={"error": str(error)})
            up = 0
            break
    return [_gauge("headrace_database_up", "Whether the database answers.", up), *families]


def _process(store: Store) -> list[Family]:
    meter = meter_of(store)
    requests = [
        sample
        for kind in sorted(meter.counts)
        for sample in histogram(BOUNDS, meter.cumulated(kind), meter.sums[kind], {"status": f"{kind}xx"})
    ]
    persister = EventPersister.of(store)
    return [
        _gauge("headrace_build_info", "The version that serves.", Sample(1, {"version": own_version()})),
        Family(
            "headrace_http_request_duration_seconds",
            "histogram",
            "How long requests took at this server, by the class of their status; streams are left out.",
            requests,
        ),
        _gauge(
            "headrace_events_waiting",
            "Events that have arrived at this server and are not written yet.",
            0 if persister is None else persister.waiting,
        ),
        *_purging(Purge.of(store)),
    ]


def _purging(purge: Purge | None) -> list[Family]:
    if purge is None:
        return []
    rows = [Sample(number, {"table": table}) for table, number in sorted(purge.removed.items())]
    return [
        _counter("headrace_purged_rows_total", "Rows that this server's purge has removed, by table.", *rows),
        _counter("headrace_purged_bytes_total", "Bytes that it has given back to the disk.", Sample(purge.given_back)),
        _gauge("headrace_purge_batch_rows", "Most rows that it removes in one transaction now.", purge.pace.rows),
        _gauge("headrace_purge_rest_seconds", "Seconds that it rests after each batch now.", purge.pace.rest),
    ]


async def _runs(store: Store, settings: Settings, moment: datetime) -> list[Family]:
    totals = [Sample(_number(await store.fetch(TOTAL, noun)), {"noun": noun}) for noun in _NOUNS]
    opened = [
        Sample(_number(await store.scan(_OPEN[noun], type_)), {"noun": noun, "state_type": type_})
        for noun in _NOUNS
        for type_ in _OPEN_STATES
    ]
    return [
        _gauge("headrace_runs", "Runs that are shown.", *totals),
        _gauge("headrace_open_runs", f"Runs that are not over, by state; at most {MOST_COUNTED} are counted.", *opened),
    ]


async def _operations(store: Store, settings: Settings, moment: datetime) -> list[Family]:
    rows = await store.fetch(_OPERATIONS)
    owed = await backlog.read(store, moment)
    waiting = [Sample(owed.waiting_items)]
    return [
        _gauge(
            "headrace_open_operations",
            "Operations that are not over, by status.",
            *(Sample(number, {"status": status}) for status, number in rows),
        ),
        _gauge("headrace_hidden_runs", "Deleted runs that are not marked yet.", _number(await store.scan(_HIDDEN))),
        _gauge("headrace_trash_items", "What is deleted and can be restored, in items of operations.", *waiting),
        _gauge("headrace_trash_operations", "Operations of which something can be restored.", owed.waiting_operations),
        _gauge("headrace_purge_backlog_operations", "Operations that are due to be purged.", owed.operations),
        _gauge("headrace_purge_backlog_items", "Their items that are not purged yet.", owed.items),
        _gauge("headrace_purge_backlog_rows", "Rows that go with them, estimated.", owed.rows),
        _gauge(
            "headrace_purge_oldest_overdue_seconds",
            "For how long the first of what is due has waited to be purged.",
            owed.oldest_overdue_seconds,
        ),
        _gauge(
            "headrace_purge_eta_seconds",
            "When all that is due will be purged, at the pace of this server's purge.",
            *(() if owed.eta is None else (Sample(owed.eta),)),
        ),
    ]


async def _services(store: Store, settings: Settings, moment: datetime) -> list[Family]:
    services = [(one, {"service": one.name}) for one in await report(store, settings)]
    return [
        _gauge(
            "headrace_service_running",
            "Whether any server runs the service and it is not paused.",
            *(Sample(one.running and not one.paused, labels) for one, labels in services),
        ),
        _gauge(
            "headrace_service_last_tick_timestamp_seconds",
            "When its last tick began.",
            *(Sample(one.last_tick.timestamp(), labels) for one, labels in services if one.last_tick is not None),
        ),
        _counter(
            "headrace_service_ticks_total", "Its ticks.", *(Sample(one.ticks, labels) for one, labels in services)
        ),
        _counter(
            "headrace_service_errors_total",
            "Its ticks that have failed.",
            *(Sample(one.errors, labels) for one, labels in services),
        ),
    ]


async def _database(store: Store, settings: Settings, moment: datetime) -> list[Family]:
    behind = [Sample(lag, {"consumer": name}) for name, lag in await store.fetch(_CONSUMERS)]
    space = await store.space()
    return [
        _gauge("headrace_event_consumer_lag", "Numbers of the log of events behind a consumer's cursor.", *behind),
        _gauge("headrace_database_bytes", "What the database takes on the disk.", space.bytes),
        _gauge(
            "headrace_database_empty_bytes",
            "How much of that is empty; for SQLite.",
            *(() if space.empty is None else (Sample(space.empty),)),
        ),
    ]


_PARTS: Sequence[Part] = (_runs, _operations, _services, _database)


def _gauge(name: str, help: str, *values: Sample | float) -> Family:
    return Family(name, "gauge", help, [one if isinstance(one, Sample) else Sample(one) for one in values])


def _counter(name: str, help: str, *samples: Sample) -> Family:
    return Family(name, "counter", help, samples)


def _number(rows: Sequence[Row]) -> int:
    return int(rows[0][0])
