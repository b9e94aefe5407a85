"""Values handed to flow runs while they run (contract §3)."""

import pytest

from tests.server.api import Api


async def test_a_value_is_handed_over_read_as_it_was_given_and_forgotten(api: Api) -> None:
    id = await api.flow_run()
    given = await api.post(f"/flow_runs/{id}/input", {"key": "a-1", "value": '{"x": 1}', "sender": "me"})
    assert (given.status, given.json) == (201, None)
    read = await api.get(f"/flow_runs/{id}/input/a-1")
    assert (read.status, read.json, read.media_type) == (200, '{"x": 1}', "text/plain; charset=utf-8")
    [listed] = (await api.post(f"/flow_runs/{id}/input/filter", {"prefix": "a"})).json
    assert (listed["key"], listed["value"], listed["sender"], listed["flow_run_id"]) == ("a-1", '{"x": 1}', "me", id)
    assert (await api.delete(f"/flow_runs/{id}/input/a-1")).status == 204
    assert (await api.get(f"/flow_runs/{id}/input/a-1")).status == 404
    assert (await api.delete(f"/flow_runs/{id}/input/a-1")).status == 404


async def test_a_key_is_used_once_for_each_run(api: Api) -> None:
    id, other = await api.flow_run(), await api.flow_run()
    body = {"key": "k", "value": "1"}
    assert (await api.post(f"/flow_runs/{id}/input", body)).status == 201
    taken = await api.post(f"/flow_runs/{id}/input", body | {"value": "2"})
    assert (taken.status, taken.json["detail"]) == (409, "A flow run input with this key already exists.")
    assert (await api.get(f"/flow_runs/{id}/input/k")).json == "1"
    assert (await api.post(f"/flow_runs/{other}/input", body)).status == 201


@pytest.mark.parametrize("key", ["A_1", "a/b", "", "a b", "a\n"])
async def test_a_key_of_the_wrong_form_is_refused_by_name(api: Api, key: str) -> None:
    refused = await api.post(f"/flow_runs/{await api.flow_run()}/input", {"key": key, "value": "1"})
    assert refused.status == 422
    assert refused.json["exception_detail"][0]["loc"] == ["body", "key"]


async def test_a_filter_takes_the_oldest_under_its_prefix_that_are_not_excluded(api: Api) -> None:
    id, other = await api.flow_run(), await api.flow_run()
    for key in ("p-3", "q-1", "p-1", "p-2"):
        await api.post(f"/flow_runs/{id}/input", {"key": key, "value": key})
    await api.post(f"/flow_runs/{other}/input", {"key": "p-9", "value": "1"})

    async def keys(**body: object) -> list[str]:
        return [one["key"] for one in (await api.post(f"/flow_runs/{id}/input/filter", body)).json]

    assert await keys(prefix="p-") == ["p-3"]
    assert await keys(prefix="p-", limit=9) == ["p-3", "p-1", "p-2"]
    assert await keys(prefix="p-", limit=9, exclude_keys=["p-3", "p-2"]) == ["p-1"]
    assert await keys(prefix="", limit=9) == ["p-3", "q-1", "p-1", "p-2"]
    assert await keys(prefix="%", limit=9) == []
    assert await keys(prefix="p", limit=0) == []


async def test_keys_of_a_body_that_are_not_known_are_passed_over(api: Api) -> None:
    id = await api.flow_run()
    assert (await api.post(f"/flow_runs/{id}/input", {"key": "k", "value": "1", "more": 1})).status == 201
    listed = await api.post(f"/flow_runs/{id}/input/filter", {"prefix": "k", "more": 1})
    assert [one["key"] for one in listed.json] == ["k"]
