"""Which job variables fit a work pool's job template."""

from typing import Any

import pytest

from headrace.rules.job_variables import unfit

TEMPLATE: dict[str, Any] = {
    "job_configuration": {"image": "{{ image }}"},
    "variables": {
        "properties": {
            "image": {"type": "string"},
            "size": {"type": "integer", "default": 1},
            "note": {"type": "string"},
        },
        "required": ["image", "size"],
    },
}


@pytest.mark.parametrize(
    ("given", "complete", "partial"),
    [
        ({"image": "i"}, None, None),
        ({"image": "i", "size": 2, "note": None, "more": 1}, None, None),
        ({}, "Validation failed. Failure reason: 'image' is a required property", None),
        ({"image": None}, "Validation failed for field 'image'. Failure reason: None is not of type 'string'", None),
    ],
)
def test_a_run_has_to_give_what_has_no_default_and_a_deployment_need_not(
    given: dict[str, Any], complete: str | None, partial: str | None
) -> None:
    assert unfit(given, TEMPLATE) == complete
    assert unfit(given, TEMPLATE, ignore_required=True) == partial


def test_a_wrong_type_is_named_by_its_field_either_way() -> None:
    for ignore_required in (False, True):
        reason = unfit({"image": "i", "size": "big"}, TEMPLATE, ignore_required=ignore_required)
        assert reason is not None
        assert reason.startswith("Validation failed for field 'size'. Failure reason: 'big'")


def test_a_template_without_variables_takes_anything() -> None:
    assert unfit({"anything": 1}, {}) is None
