"""Which targets are refused, as a table."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from headrace.rules.targets import constrains, refusal
from headrace.wire.filters import DeploymentFilter, Filter, FlowRunFilter, TaskRunFilter, VariableFilter
from headrace.wire.operations import OperationPreview

_ID = UUID(int=7)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (FlowRunFilter, {}),
        (FlowRunFilter, {"operator": "or_"}),
        (FlowRunFilter, {"id": {}}),
        (FlowRunFilter, {"id": {"not_any_": []}}),
        (FlowRunFilter, {"name": {"like_": ""}}),
        (FlowRunFilter, {"name": {"like_": "%%"}}),
        (FlowRunFilter, {"name": {"like_": "_"}}),
        (FlowRunFilter, {"tags": {"all_": []}}),
        (FlowRunFilter, {"tags": {"operator": "or_"}}),
        (FlowRunFilter, {"state": {"type": {}}}),
        (FlowRunFilter, {"state": {"type": {"not_any_": []}, "name": {}}}),
        (FlowRunFilter, {"state": {"type": {"any_": ["FAILED"], "not_any_": ["COMPLETED"]}}}),
        (FlowRunFilter, {"operator": "or_", "name": {}, "tags": {"all_": ["a"]}}),
        (DeploymentFilter, {"concurrency_limit": {"ge_": 1}}),
        (VariableFilter, {"name": {"like_": ""}, "tags": {"all_": []}}),
        (TaskRunFilter, {"subflow_runs": {}}),
    ],
)
def test_a_filter_that_leaves_nothing_out_constrains_nothing(kind: type[Filter], given: Any) -> None:
    """However deep its emptiness is nested."""
    assert not constrains(msgspec.convert(given, kind))


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (FlowRunFilter, {"id": {"any_": []}}),
        (FlowRunFilter, {"name": {"like_": "a"}}),
        (FlowRunFilter, {"name": {}, "tags": {"all_": ["a"]}}),
        (FlowRunFilter, {"operator": "or_", "tags": {"all_": ["a"]}}),
        (FlowRunFilter, {"tags": {"is_null_": False}}),
        (FlowRunFilter, {"state": {"type": {"any_": ["FAILED"]}}}),
        (FlowRunFilter, {"id": {"any_": ["00000000-0000-0000-0000-000000000001"], "not_any_": []}}),
    ],
)
def test_a_filter_that_can_leave_something_out_constrains(kind: type[Filter], given: Any) -> None:
    """One that matches nothing leaves all out."""
    assert constrains(msgspec.convert(given, kind))


@pytest.mark.parametrize(
    ("asked", "location", "words"),
    [
        ({"target": {}}, ("target",), "empty"),
        ({"target": {"ids": []}}, ("target", "ids"), "empty"),
        ({"target": {"filters": {}}}, ("target", "filters"), "say everything"),
        ({"target": {"filters": {"flow_runs": {}}}}, ("target", "filters"), "constrains nothing"),
        ({"target": {"filters": {"flow_runs": {"name": {"like_": ""}}}}}, ("target", "filters"), "say everything"),
        ({"target": {"filters": {"flows": {"name": {"like_": "a\0b"}}}}}, ("target", "filters", "flows"), "NUL"),
        ({"target": {"filters": {"flow_runs": {"tags": {"all_": ["\0"]}}}}}, ("target", "filters", "flow_runs"), "NUL"),
        ({"target": {"ids": [_ID], "everything": True}}, ("target",), "ids and everything"),
        ({"target": {"operation_id": _ID}}, ("target",), "restore and purge"),
        ({"kind": "cancel", "noun": "flows", "target": {"ids": [_ID]}}, ("noun",), "for flow_runs"),
        ({"kind": "retry", "noun": "task_runs", "target": {"ids": [_ID]}}, ("noun",), "for flow_runs"),
        ({"kind": "set_state", "target": {"ids": [_ID]}}, ("options", "state"), "needs the state"),
        ({"target": {"ids": [_ID]}, "options": {"state": {"type": "FAILED"}}}, ("options", "state"), "set_state"),
        (
            {"kind": "cancel", "target": {"ids": [_ID]}, "options": {"purge_after": 1}},
            ("options", "purge_after"),
            "for delete",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(asked: Any, location: tuple[str, ...], words: str) -> None:
    """The refusal names the part of the request, and says what to do."""
    found = msgspec.convert({"kind": "delete", **asked}, OperationPreview)
    refused = refusal(found.kind, found.noun, found.target, found.options)
    assert refused is not None
    assert refused.location == location
    assert words in refused.message


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "delete", "noun": "flows", "target": {"everything": True}},
        {"kind": "delete", "target": {"filters": {"flows": {}, "flow_runs": {"tags": {"all_": ["a"]}}}}},
        {"kind": "restore", "target": {"operation_id": _ID}},
        {"kind": "purge", "noun": "variables", "target": {"everything": True}},
        {"kind": "cancel", "target": {"ids": [_ID]}},
        {"kind": "set_state", "target": {"ids": [_ID]}, "options": {"state": {"type": "FAILED"}}},
    ],
)
def test_what_is_clear_may_begin(asked: Any) -> None:
    """One target, of a kind that is for it."""
    found = msgspec.convert(asked, OperationPreview)
    assert refusal(found.kind, found.noun, found.target, found.options) is None
