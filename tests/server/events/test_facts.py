"""The pieces of which the server makes its own events."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from headrace.server.events import facts
from headrace.wire.deployments import DeploymentStatus
from headrace.wire.work_pools import WorkPoolStatus

ID = UUID("01a20387-0bb5-7751-9639-580f64d5e96d")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_resource_is_named_by_its_kind_and_id() -> None:
    assert facts.resource("flow", ID) == {"prefect.resource.id": f"prefect.flow.{ID}"}
    assert facts.resource("tag", "a b", role="tag") == {
        "prefect.resource.id": "prefect.tag.a b",
        "prefect.resource.role": "tag",
    }


def test_a_work_pool_always_says_its_type() -> None:
    assert facts.work_pool(ID, "mill", "process", "work-pool") == {
        "prefect.resource.id": f"prefect.work-pool.{ID}",
        "prefect.resource.role": "work-pool",
        "prefect.resource.name": "mill",
        "prefect.work-pool.type": "process",
    }


@pytest.mark.parametrize(
    ("before", "after", "payload"),
    [
        ({}, {}, None),
        ({"a": [1]}, {"a": [1]}, None),
        ({"a": None, "b": 1}, {"a": 0, "b": 1}, {"updated_fields": ["a"], "updates": {"a": {"from": None, "to": 0}}}),
        (
            {"b": 1, "a": 1, "kept": 1},
            {"b": 2, "a": 2},
            {"updated_fields": ["b", "a"], "updates": {"b": {"from": 1, "to": 2}, "a": {"from": 1, "to": 2}}},
        ),
    ],
)
def test_an_update_tells_what_is_different_and_nothing_else(
    before: dict[str, Any], after: dict[str, Any], payload: Any
) -> None:
    assert facts.differences(before, after) == payload


@pytest.mark.parametrize(
    ("status", "word"),
    [(WorkPoolStatus.NOT_READY, "not-ready"), (WorkPoolStatus.PAUSED, "paused"), (DeploymentStatus.READY, "ready")],
)
def test_a_status_is_told_in_the_words_of_events(status: Any, word: str) -> None:
    assert facts.word_of(status) == word


def test_an_event_has_an_id_of_its_own_unless_it_is_given_one() -> None:
    subject = facts.resource("flow", ID)
    first, second = (facts.happened("prefect.flow.created", subject, NOW) for _ in range(2))
    assert first.id != second.id
    assert facts.happened("prefect.flow.created", subject, NOW, id=ID).id == ID
