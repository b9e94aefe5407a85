"""Automations that tests make, through the API."""

from typing import Any

from tests.server.api import Api, Json

REACTIVE = {"type": "event", "posture": "Reactive", "expect": ["something.happened"]}
NOTHING = {"type": "do-nothing"}


def body(**fields: Json) -> dict[str, Any]:
    """The body of a new automation that does nothing when something happens."""
    return {"name": "watch", "trigger": REACTIVE, "actions": [NOTHING]} | fields


async def make(api: Api, **fields: Json) -> Json:
    """A new automation."""
    made = await api.post("/automations/", body(**fields))
    assert made.status == 201, made.json
    return made.json
