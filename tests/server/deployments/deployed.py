"""Deployments and pools to test with."""

from typing import Any

from tests.server.api import Api

Json = Any
POOL_TEMPLATE = {
    "job_configuration": {"image": "{{ image }}", "size": "{{ size }}"},
    "variables": {
        "type": "object",
        "properties": {"image": {"type": "string"}, "size": {"type": "integer", "default": 1}},
        "required": ["image"],
    },
}


async def deploy(api: Api, name: str = "nightly", **fields: Json) -> Json:
    """A deployment that is new."""
    flow_id = fields.pop("flow_id", None) or await api.flow()
    made = await api.post("/deployments/", {"name": name, "flow_id": flow_id, **fields})
    assert made.status == 201, made.json
    return made.json


async def pool(api: Api, name: str = "pool") -> None:
    """A work pool that wants a job variable `image`."""
    made = await api.post("/work_pools/", {"name": name, "type": "process", "base_job_template": POOL_TEMPLATE})
    assert made.status == 201, made.json
