"""`/templates/validate` says whether a template can be rendered."""

from typing import Any

import pytest

from tests.server.api import Api


@pytest.mark.parametrize("template", ["", "plain", "{{ flow_run.name }}", "{% for x in xs %}{{ x }}{% endfor %}"])
async def test_a_template_that_can_be_rendered_is_passed_over_in_silence(api: Api, template: str) -> None:
    answer = await api.post("/templates/validate", template)
    assert (answer.status, answer.json) == (204, "")


async def test_no_body_is_the_empty_template(api: Api) -> None:
    assert (await api.post("/templates/validate")).status == 204


async def test_a_template_at_fault_is_refused_with_its_line(api: Api) -> None:
    source = "fine\n{{ broken"
    refused = await api.post("/templates/validate", source)
    assert refused.status == 422
    assert refused.json["error"]["line"] == 2
    assert refused.json["error"]["source"] == source
    assert refused.json["error"]["message"]


async def test_loops_inside_loops_have_a_bottom(api: Api) -> None:
    loop = "{% for x in xs %}{inner}{% endfor %}"
    deep = loop.replace("{inner}", loop.replace("{inner}", loop))
    assert (await api.post("/templates/validate", deep)).status == 422


@pytest.mark.parametrize("body", [5, {"template": "x"}, ["x"], b'"open'])
async def test_what_is_no_text_is_refused(api: Api, body: Any) -> None:
    assert (await api.post("/templates/validate", body)).status == 422
