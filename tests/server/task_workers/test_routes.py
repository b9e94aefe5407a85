"""Clients may ask which task workers are connected; who is, is told by tests of the queue."""

from typing import Any

import pytest

from tests.server.api import Api


@pytest.mark.parametrize("body", [None, {}, {"task_worker_filter": None}, {"task_worker_filter": {"task_keys": ["a"]}}])
async def test_where_no_task_worker_is_connected_none_is_listed(api: Api, body: Any) -> None:
    answer = await api.post("/task_workers/filter", body)
    assert (answer.status, answer.json) == (200, [])


async def test_a_filter_without_keys_is_refused(api: Api) -> None:
    answer = await api.post("/task_workers/filter", {"task_worker_filter": {}})
    assert answer.status == 422
    assert answer.json["exception_detail"][0]["loc"] == ["body", "task_worker_filter", "task_keys"]
