"""A client that acts on behalf of an automation has its runs marked so (contract §8)."""

from base64 import b64encode
from uuid import uuid4

import pytest

from tests.server.api import Api, Json


async def deployment(api: Api) -> str:
    return (await api.post("/deployments/", {"name": "d", "flow_id": await api.flow()})).json["id"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [(b64encode("mühle".encode()), "mühle"), (b"", None), (b"not base64!", None), (b64encode(b"\xff\xfe"), None)],
)
async def test_the_headers_of_an_automation_name_it_as_author(api: Api, name: bytes, shown: Json) -> None:
    id = await deployment(api)
    automation = str(uuid4())
    api.headers |= {b"prefect-automation-id": automation.encode(), b"prefect-automation-name": name}
    made = await api.post(f"/deployments/{id}/create_flow_run", {})
    assert made.json["created_by"] == {"id": automation, "type": "AUTOMATION", "display_value": shown}


@pytest.mark.parametrize("header", [b"", b"nobody"])
async def test_a_header_that_is_no_id_names_nobody(api: Api, header: bytes) -> None:
    id = await deployment(api)
    api.headers |= {b"prefect-automation-id": header}
    assert (await api.post(f"/deployments/{id}/create_flow_run", {})).json["created_by"] is None
