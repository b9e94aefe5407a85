"""`/concurrency_limits`: limits on tags, which are limits named `tag:<tag>`, and who holds their slots."""

import asyncio
from uuid import uuid4

import pytest

from tests.server.api import Answered, Api, Json

TAGS = "/concurrency_limits"
LIMITS = "/v2/concurrency_limits"


async def limited(api: Api, tag: str, limit: int = 1) -> Json:
    made = await api.post(f"{TAGS}/", {"tag": tag, "concurrency_limit": limit})
    assert made.status == 201, made.json
    return made.json


async def holders(api: Api, tag: str) -> list[str]:
    return (await api.get(f"{TAGS}/tag/{tag}")).json["active_slots"]


async def take(api: Api, *tags: str, holder: str) -> Answered:
    return await api.post(f"{TAGS}/increment", {"names": tags, "task_run_id": holder})


async def give_back(api: Api, *tags: str, holder: str) -> Answered:
    return await api.post(f"{TAGS}/decrement", {"names": tags, "task_run_id": holder})


async def running_flow(api: Api) -> str:
    return await api.flow_run({"type": "RUNNING"})


class TestLimitsOnTags:
    async def test_a_tag_has_one_limit_that_is_made_and_then_changed(self, api: Api) -> None:
        made = await limited(api, "db", 2)
        assert (made["tag"], made["concurrency_limit"], made["active_slots"]) == ("db", 2, [])
        again = await api.post(f"{TAGS}/", {"tag": "db", "concurrency_limit": 5})
        assert (again.status, again.json["id"], again.json["concurrency_limit"]) == (200, made["id"], 5)
        assert (await api.get(f"{TAGS}/{made['id']}")).json == again.json == (await api.get(f"{TAGS}/tag/db")).json

    async def test_it_is_a_limit_like_any_other(self, api: Api) -> None:
        made = await limited(api, "db", 2)
        assert (await api.get(f"{LIMITS}/tag:db")).json["id"] == made["id"]
        other = (await api.post(f"{LIMITS}/", {"name": "db", "limit": 1})).json
        assert (await api.get(f"{TAGS}/{other['id']}")).status == 404
        assert (await api.delete(f"{TAGS}/{other['id']}")).status == 404
        assert [limit["tag"] for limit in (await api.post(f"{TAGS}/filter")).json] == ["db"]

    async def test_limits_are_listed_by_tag(self, api: Api) -> None:
        for tag in ("b", "a", "c"):
            await limited(api, tag)
        listed = (await api.post(f"{TAGS}/filter", {"limit": 2, "offset": 1})).json
        assert [limit["tag"] for limit in listed] == ["b", "c"]

    async def test_a_limit_is_deleted_by_id_and_by_tag(self, api: Api) -> None:
        for path in ((await limited(api, "a"))["id"], "tag/a"):
            await api.post(f"{TAGS}/", {"tag": "a", "concurrency_limit": 1})
            gone = await api.delete(f"{TAGS}/{path}")
            assert (gone.status, gone.json) == (200, None)
            for answer in (await api.get(f"{TAGS}/{path}"), await api.delete(f"{TAGS}/{path}")):
                assert (answer.status, answer.json["detail"]) == (404, "Concurrency limit not found")
        assert (await api.post(f"{TAGS}/tag/a/reset")).status == 404

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"tag": "a"}, "concurrency_limit"),
            ({"concurrency_limit": 1}, "tag"),
            ({"tag": "", "concurrency_limit": 1}, "tag"),
            ({"tag": "a", "concurrency_limit": 2**31}, "concurrency_limit"),
            ({"tag": "a", "concurrency_limit": 1, "x": 1}, "x"),
        ],
    )
    async def test_a_limit_that_cannot_be_is_refused_by_field(self, api: Api, body: Json, field: str) -> None:
        refused = await api.post(f"{TAGS}/", body)
        assert (refused.status, refused.json["exception_detail"][0]["loc"]) == (422, ["body", field])


class TestSlotsOfTags:
    async def test_a_task_run_takes_a_slot_of_each_tag_once_and_gives_it_back(self, api: Api) -> None:
        a = await limited(api, "a")
        await limited(api, "b", 2)
        run = str(uuid4())
        for _ in range(2):
            taken = await take(api, "a", "b", "free", holder=run)
            assert (taken.status, len(taken.json)) == (200, 2)
            assert {"id": a["id"], "name": "a", "limit": 1} in taken.json
        assert (await holders(api, "a"), await holders(api, "b")) == ([run], [run])
        assert (await give_back(api, "a", "free", holder=run)).json == [{"id": a["id"], "name": "a", "limit": 1}]
        assert (await holders(api, "a"), await holders(api, "b")) == ([], [run])
        await give_back(api, "b", holder=run)
        assert await holders(api, "b") == []

    async def test_who_finds_no_slot_takes_none_and_is_told_when_to_ask_again(self, api: Api) -> None:
        await limited(api, "a", 2)
        await limited(api, "b")
        await take(api, "b", holder=str(uuid4()))
        denied = await take(api, "a", "b", holder=str(uuid4()))
        assert (denied.status, denied.headers["Retry-After"]) == (423, "10.0")
        assert await holders(api, "a") == []

    async def test_a_limit_of_0_lets_nobody_pass_ever(self, api: Api) -> None:
        await limited(api, "a", 0)
        denied = await take(api, "a", holder=str(uuid4()))
        assert (denied.status, "Retry-After" in denied.headers) == (423, False)
        assert "0" in denied.json["detail"]

    async def test_slots_can_be_handed_out_anew(self, api: Api) -> None:
        await limited(api, "a", 3)
        for _ in range(2):
            await take(api, "a", holder=str(uuid4()))
        await api.post(f"{LIMITS}/increment", {"names": ["tag:a"], "slots": 1})
        chosen = [str(uuid4()), str(uuid4())]
        reset = await api.post(f"{TAGS}/tag/a/reset", {"slot_override": chosen})
        assert (reset.status, reset.json) == (200, None)
        assert sorted(await holders(api, "a")) == sorted(chosen)
        assert (await api.get(f"{LIMITS}/tag:a")).json["active_slots"] == 2
        await api.post(f"{TAGS}/tag/a/reset", {"slot_override": None})
        assert await holders(api, "a") == []

    async def test_both_versions_of_the_api_count_the_same_slots(self, api: Api) -> None:
        await limited(api, "a")
        run = str(uuid4())
        body = {"names": ["tag:a"], "slots": 1, "holder": {"type": "task_run", "id": run}}
        assert (await api.post(f"{LIMITS}/increment-with-lease", body)).status == 200
        assert await holders(api, "a") == [run]
        assert (await take(api, "a", holder=str(uuid4()))).status == 423
        assert (await take(api, "a", holder=run)).status == 200


class TestTaskRunsWithTags:
    """The rules take and give back slots for task runs whose states are set over the API (contract §4.4)."""

    async def test_a_run_holds_a_slot_of_each_of_its_tags_while_it_runs(self, api: Api) -> None:
        await limited(api, "a")
        await limited(api, "b")
        flow_run = await running_flow(api)
        run = await api.task_run(flow_run, tags=["a", "b", "free"])
        assert (await api.propose("task_runs", run, "RUNNING")).json["status"] == "ACCEPT"
        assert (await holders(api, "a"), await holders(api, "b")) == ([run], [run])
        await api.propose("task_runs", run, "CANCELLING")
        assert await holders(api, "a") == [run]
        await api.propose("task_runs", run, "COMPLETED", force=True)
        assert (await holders(api, "a"), await holders(api, "b")) == ([], [])

    async def test_a_run_without_a_slot_waits_and_holds_nothing(self, api: Api) -> None:
        await limited(api, "a")
        await limited(api, "b")
        flow_run = await running_flow(api)
        first = await api.task_run(flow_run, tags=["b"])
        second = await api.task_run(flow_run, tags=["a", "b"])
        await api.propose("task_runs", first, "RUNNING")
        waits = (await api.propose("task_runs", second, "RUNNING")).json
        assert waits["status"] == "WAIT"
        assert waits["details"]["reason"] == "Concurrency limit reached for tags: b"
        assert waits["details"]["delay_seconds"] >= 1
        assert await holders(api, "a") == []
        await api.propose("task_runs", first, "FAILED")
        assert (await api.propose("task_runs", second, "RUNNING")).json["status"] == "ACCEPT"
        assert (await holders(api, "a"), await holders(api, "b")) == ([second], [second])

    async def test_a_tag_that_lets_nobody_pass_ends_the_run(self, api: Api) -> None:
        await limited(api, "a", 0)
        run = await api.task_run(await running_flow(api), tags=["a"])
        aborted = (await api.propose("task_runs", run, "RUNNING")).json
        assert aborted["status"] == "ABORT"
        assert 'The concurrency limit on tag "a" is 0' in aborted["details"]["reason"]

    @pytest.mark.parametrize("what", ["task_runs", "flow_runs", "flows"])
    async def test_whatever_is_deleted_gives_its_slots_back(self, api: Api, what: str) -> None:
        await limited(api, "a")
        flow = await api.flow()
        flow_run = await api.flow_run({"type": "RUNNING"}, flow_id=flow)
        run = await api.task_run(flow_run, tags=["a"])
        await api.propose("task_runs", run, "RUNNING")
        assert await holders(api, "a") == [run]
        ids = {"task_runs": run, "flow_runs": flow_run, "flows": flow}
        assert (await api.delete(f"/{what}/{ids[what]}")).status == 204
        assert await holders(api, "a") == []

    async def test_no_more_racing_runs_run_than_there_are_slots(self, api: Api) -> None:
        await limited(api, "a", 2)
        await limited(api, "b", 3)
        flow_run = await running_flow(api)
        runs = [await api.task_run(flow_run, tags=["a", "b"] if turn % 2 else ["b", "a"]) for turn in range(8)]
        answers = await asyncio.gather(*(api.propose("task_runs", run, "RUNNING") for run in runs))
        assert sorted(answer.json["status"] for answer in answers) == ["ACCEPT"] * 2 + ["WAIT"] * 6
        assert sorted(await holders(api, "a")) == sorted(await holders(api, "b"))
