"""What workers make of job templates."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headrace.rules.job_configuration import configuration

VALUES = st.none() | st.booleans() | st.integers() | st.text("abc", max_size=3) | st.lists(st.integers(), max_size=2)
VARIABLES = st.dictionaries(st.sampled_from(["command", "env", "name"]), VALUES)
TEMPLATE: dict[str, Any] = {
    "job_configuration": {"command": "{{ command }}", "env": "{{ env }}", "title": "run of {{ name }}"},
    "variables": {"properties": {"command": {"default": "make"}, "env": {}, "name": {"default": "mill"}}},
}


@given(VARIABLES, VARIABLES)
def test_what_the_run_says_wins_over_what_its_deployment_says_and_that_over_the_pool(
    deployment: dict[str, Any], run: dict[str, Any]
) -> None:
    said = {"command": "make", "name": "mill"}
    for variables in (deployment, run):
        said |= {name: value for name, value in variables.items() if value is not None}
    made = configuration(TEMPLATE, deployment, run)
    assert made.get("command") == said["command"]
    assert made.get("env") == said.get("env")
    assert "env" in made or "env" not in said


def test_values_keep_their_type_and_within_a_text_become_text() -> None:
    made = configuration(TEMPLATE, {"env": {"GRAIN": "rye"}, "name": 7})
    assert made == {"command": "make", "env": {"GRAIN": "rye"}, "title": "run of 7"}


def test_what_stands_for_variables_blocks_and_the_environment_is_left_for_later() -> None:
    template = {"job_configuration": {"env": {"A": "{{ headrace.variables.a }}", "B": "{{ $B }}"}}, "variables": {}}
    assert configuration(template) == template["job_configuration"]


def test_a_template_that_says_nothing_makes_nothing() -> None:
    assert configuration({}, {"command": "x"}) == {}
