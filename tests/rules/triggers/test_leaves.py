"""Which events an event trigger looks at, and under which key it counts them."""

from typing import Any

import pytest

from headrace.rules.triggers.leaves import Leaf
from headrace.wire.triggers import EventTrigger
from tests.rules.triggers.occurrences import occurred, trigger


def leaf_of(**fields: Any) -> Leaf:
    made = trigger(**fields)
    assert isinstance(made, EventTrigger)
    return Leaf(made)


@pytest.mark.parametrize(
    ("pattern", "name", "covered"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.bc", False),
        ("a.b", "x.a.b", False),
        ("a.b", "a-b", False),
        ("a.*", "a.b", True),
        ("a.*", "a.", False),
        ("*.b", "a.b", True),
        ("*.b", ".b", False),
        ("a.*.c", "a.b.c", True),
        ("a.*.c", "a.b.c.d", False),
        ("*", "anything", True),
    ],
)
def test_names_are_compared_whole(pattern: str, name: str, covered: bool) -> None:
    assert leaf_of(expect=[pattern]).looks_at(name) is covered
    assert leaf_of(expect=["nothing"], after=[pattern]).looks_at(name) is covered


def test_every_name_is_expected_where_none_is_given() -> None:
    leaf = leaf_of(after=["start"])
    assert leaf.expects("anything")
    assert not leaf.starts("anything")
    assert leaf.starts("start")


OTHERS = [
    {"prefect.resource.id": "flow.1", "prefect.resource.role": "flow", "team": "a"},
    {"prefect.resource.id": "tag.x", "prefect.resource.role": "tag"},
]


@pytest.mark.parametrize(
    ("fields", "concerned"),
    [
        ({}, True),
        ({"match": {"prefect.resource.id": "thing.*"}}, True),
        ({"match": {"prefect.resource.id": "other.*"}}, False),
        ({"match_related": {"prefect.resource.id": "flow.1"}}, True),
        ({"match_related": {"prefect.resource.role": "tag", "team": "a"}}, False),
        ({"match_related": [{"team": "a"}, {"prefect.resource.role": "tag"}]}, True),
        ({"match_related": [{"team": "a"}, {"prefect.resource.role": "deployment"}]}, False),
    ],
)
def test_resources_have_to_match_each_by_its_own(fields: dict[str, Any], concerned: bool) -> None:
    assert leaf_of(**fields).concerns(occurred("any", related=OTHERS)) is concerned


@pytest.mark.parametrize(
    ("for_each", "key"),
    [
        ([], "[]"),
        (["prefect.resource.id"], '["thing.1"]'),
        (["color", "prefect.resource.id"], '["red","thing.1"]'),
        (["missing"], '[""]'),
        (["related:flow:team"], '["a"]'),
        (["related:flow:prefect.resource.id"], '["flow.1"]'),
        (["related:deployment:team"], '[""]'),
        (["related:tag:team"], '[""]'),
    ],
)
def test_a_key_is_made_of_labels(for_each: list[str], key: str) -> None:
    event = occurred("any", labels={"color": "red"}, related=OTHERS)
    assert leaf_of(for_each=for_each).key(event) == key


def test_the_values_of_a_key_are_known_by_their_labels() -> None:
    leaf = leaf_of(for_each=["color", "related:flow:team"])
    assert leaf.labels(["red", "a"]) == {"color": "red", "related:flow:team": "a"}
