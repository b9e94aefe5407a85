"""Carrying out what waits, and the objects that actions work on."""

from typing import Any

from headrace.server.automations.actions.service import Actions
from headrace.server.store.base import Statement
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.settings import Settings
from headrace.wire.times import now
from tests.server.api import Api, Json
from tests.server.automations.fired import event, fire
from tests.server.automations.made import make

ROWS = Reader(
    dict,
    {
        "id": Kind.UUID,
        "action": JSON(),
        "position": Kind.INTEGER,
        "status": Kind.TEXT,
        "attempts": Kind.INTEGER,
        "due": Kind.TIME,
        "reason": Kind.TEXT,
        "result": JSON(),
        "ended": Kind.TIME,
    },
)
_ROWS = Statement(f"SELECT {ROWS.columns()} FROM automation_actions ORDER BY created, position")
_ALL_DUE = Statement("UPDATE automation_actions SET due = $1")


async def rows(api: Api) -> list[Json]:
    """The actions with how they came out."""
    return ROWS.all(await api.store.fetch(_ROWS), api.store.dialect)


async def make_due(api: Api) -> None:
    """Let no action wait any longer: pauses and claims have passed."""
    await api.store.execute(_ALL_DUE, now())


async def carry_out(api: Api, settings: Settings) -> list[Json]:
    """Carry out what is due, and give all actions with how they came out."""
    service = Actions(api.store, settings)
    while await service.tick() or service.under_way:
        await service.drain()
    return await rows(api)


async def act(
    api: Api, settings: Settings, *actions: Json, on: str = "my.thing", related: Json = (), **labels: str
) -> list[Json]:
    """What becomes of these actions when something happens to a resource."""
    made = await make(api, actions=list(actions))
    await fire(api.store, made, event(on, *related), **labels)
    return await carry_out(api, settings)


def only(found: list[Json], **wanted: Any) -> Json:
    """The one action there is, which has these values."""
    (row,) = found
    assert {key: row[key] for key in wanted} == wanted, row
    return row
