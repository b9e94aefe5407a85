"""Retention policies: set, read and taken back, by the names of classes."""

import pytest

from headrace.server.store.base import Store
from tests.server.api import Api

X = "/x/retention/policies"


async def test_nothing_is_removed_unless_a_policy_is_set(api: Api) -> None:
    assert (await api.get(X)).json == []
    assert (await api.post("/x/retention/preview", {})).json == []
    assert (await api.post("/x/retention/run", {})).json == []


async def test_a_policy_is_set_changed_and_taken_back(api: Api) -> None:
    made = await api.call("PUT", f"{X}/flow-runs.failed", {"max_age": 86_400.0, "keep_last": 10})
    assert made.status == 200
    assert made.json | {"created": "", "updated": ""} == {
        "name": "flow_runs.failed",
        "created": "",
        "updated": "",
        "max_age": 86_400.0,
        "keep_last": 10,
        "undoable": True,
        "last_run": None,
        "started": None,
        "last_removed": 0,
        "removed": 0,
        "operation_id": None,
    }
    changed = await api.call("PUT", f"{X}/flow_runs.failed", {"max_age": 3600})
    assert (changed.json["max_age"], changed.json["keep_last"]) == (3600, None)
    assert changed.json["created"] == made.json["created"]
    assert (await api.get(f"{X}/flow_runs.failed")).json == changed.json
    assert (await api.get(X)).json == [changed.json]
    assert (await api.delete(f"{X}/flow_runs.failed")).status == 204
    assert (await api.get(X)).json == []
    assert (await api.delete(f"{X}/flow_runs.failed")).status == 404


async def test_policies_are_listed_by_name_and_say_what_cannot_be_undone(api: Api) -> None:
    for name in ("logs.debug", "events.my-app.thing", "artifacts", "task_runs"):
        await api.call("PUT", f"{X}/{name}", {"max_age": 60})
    found = (await api.get(X)).json
    assert [(policy["name"], policy["undoable"]) for policy in found] == [
        ("artifacts", True),
        ("events.my-app.thing", False),
        ("logs.debug", False),
        ("task_runs", True),
    ]


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("runs", {"max_age": 60}, "no class 'runs'"),
        ("flow_runs", {}, "says nothing"),
        ("logs", {"keep_last": 5}, "cannot be kept by number"),
        ("logs", {"max_age": 0}, "max_age"),
        ("flow_runs", {"keep_last": 0}, "keep_last"),
        ("flow_runs", {"max_age": 60, "age": 1}, "age"),
    ],
)
async def test_a_policy_that_cannot_be_is_refused_in_words(
    api: Api, name: str, body: dict[str, object], said: str
) -> None:
    refused = await api.call("PUT", f"{X}/{name}", body)
    assert refused.status == 422
    assert said in str(refused.json)
    assert (await api.get(X)).json == []


async def test_what_is_not_set_cannot_be_run(api: Api, store: Store) -> None:
    answer = await api.post("/x/retention/run", {"names": ["flow_runs"]})
    assert (answer.status, answer.json["detail"]) == (404, "No retention policy is set for flow_runs.")
