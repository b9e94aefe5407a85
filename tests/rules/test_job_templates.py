"""A job template is taken only if workers can fill it in."""

from typing import Any

import pytest

from headrace.rules.job_templates import fault, unfit_default


def template(configuration: Any, **properties: Any) -> dict[str, Any]:
    return {"job_configuration": configuration, "variables": {"type": "object", "properties": properties}}


@pytest.mark.parametrize(
    "usable",
    [
        {},
        template({"command": "{{ command }}"}, command={"type": "string"}),
        template({"command": "{{command}} and {{ command }}"}, command={}),
        template({"env": "{{ prefect.variables.region }}", "home": "{{ $HOME }}"}, unused={}),
        template({"image": "{{ prefect.blocks.docker-container.mine }}"}, unused={}),
        template({"{{ no name of a variable }}": 1}, unused={}),
        template({"nested": [{"deep": ["{{ a }}"]}], "number": 1}, a={}) | {"more": 1},
    ],
)
def test_a_template_whose_variables_are_declared_is_usable(usable: dict[str, Any]) -> None:
    assert fault(usable) is None


@pytest.mark.parametrize(
    "partial",
    [
        {"job_configuration": {"a": 1}},
        {"variables": {"properties": {}}},
        {"job_configuration": {"a": 1}, "variables": {}},
        {"job_configuration": {}, "variables": {"properties": {}}},
        {"job_configuration": None, "variables": None},
        {"job_configuration": {"a": 1}, "variables": "text"},
        {"other": 1},
    ],
)
def test_a_template_needs_both_of_its_parts(partial: dict[str, Any]) -> None:
    reason = fault(partial)
    assert reason is not None
    assert "both" in reason


def test_variables_that_are_not_declared_are_named() -> None:
    reason = fault(template({"command": "{{ a }} {{ c }}", "list": ["{{ b }}"]}, a={}))
    assert reason is not None
    assert reason.endswith("'b', 'c'.")
    assert fault(template({"command": "{{ a }}"}) | {"variables": {"type": "object"}}) is not None


def test_a_default_must_fit_its_own_schema() -> None:
    assert unfit_default({}) is None
    assert unfit_default(template({}, a={"type": "string", "default": "x"}, b={"type": "string"})) is None
    reason = unfit_default(template({}, a={"type": "string", "default": 5}))
    assert reason == "the default of a: 5 is not of type 'string'"


def test_a_default_may_refer_to_a_block_and_to_a_definition() -> None:
    block = {"$ref": {"block_document_id": "00000000-0000-0000-0000-000000000001"}}
    assert unfit_default(template({}, a={"type": "string", "default": block})) is None
    referring = template({}, a={"$ref": "#/definitions/Size", "default": "huge"})
    referring["variables"]["definitions"] = {"Size": {"enum": ["small", "large"]}}
    reason = unfit_default(referring)
    assert reason is not None
    assert "'huge'" in reason


def test_required_variables_without_a_default_are_the_deployments_business() -> None:
    demanding = template({}, a={"type": "string"}, b={"type": "integer", "default": 1})
    demanding["variables"]["required"] = ["a", "b"]
    assert unfit_default(demanding) is None


@pytest.mark.parametrize("schema", [{"type": "nonsense"}, {"required": "a"}, {"pattern": "("}, 5])
def test_what_declares_the_variables_must_be_a_schema(schema: Any) -> None:
    reason = fault(template({"a": "{{ a }}"}, a=schema))
    assert reason is not None
    assert reason.startswith("`variables` is not a JSON Schema: ")


@pytest.mark.parametrize("reference", ["#/definitions/Missing", "#/properties/a"])
def test_a_default_whose_schema_leads_nowhere_does_not_fit(reference: str) -> None:
    reason = unfit_default(template({}, a={"$ref": reference, "default": 1}))
    assert reason is not None
    assert reason.startswith("the default of a: ")
