"""A run's log lines as a file, on both databases."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from headrace.server.context import Context
from headrace.server.flow_runs.download import lines_as_csv
from headrace.server.http.routes import ROUTERS
from headrace.server.http.routing import Dispatcher
from headrace.server.logs import service as logs
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.logs import LogCreate
from tests.server.api import Api
from tests.server.filters.world import BEGINNING


def a_line(message: str, seconds: float, **fields: Any) -> dict[str, Any]:
    return {"name": "n", "level": 20, "message": message, "timestamp": BEGINNING + timedelta(seconds=seconds), **fields}


async def test_lines_are_downloaded_in_order_under_the_name_of_their_run(
    api: Api, store: Store, database_settings: Settings
) -> None:
    run_id = await api.flow_run(name='my "run"')
    task_run_id = str(uuid4())
    last = a_line('a, "b"\nc', 1.5, flow_run_id=run_id)
    first = a_line("first", 1, flow_run_id=run_id, task_run_id=task_run_id)
    await api.post("/logs/", [last, first, a_line("other", 0)])

    path = f"/flow_runs/{run_id}/logs/download"
    answer = await Dispatcher(ROUTERS).dispatch(Context(store, database_settings), "GET", path)
    assert answer.status == 200
    assert answer.media_type == "text/csv; charset=utf-8"
    assert answer.headers == {
        "content-disposition": "attachment; filename=\"flow-run-logs.csv\"; filename*=UTF-8''my%20%22run%22-logs.csv"
    }
    assert answer.stream is not None
    text = b"".join([part async for part in answer.stream]).decode()
    assert text == (
        "timestamp,level,flow_run_id,task_run_id,message\r\n"
        f"2026-03-01 12:00:01+00:00,20,{run_id},{task_run_id},first\r\n"
        f'2026-03-01 12:00:01.500000+00:00,20,{run_id},,"a, ""b""\nc"\r\n'
    )


@pytest.mark.parametrize("count", [0, 1, 1000, 2001])
async def test_every_line_is_there_once_however_many_share_a_moment(store: Store, count: int) -> None:
    run_id: UUID = uuid4()
    lines = [LogCreate(**a_line(str(number), number // 700, flow_run_id=run_id)) for number in range(count)]
    await logs.create(store, lines, BEGINNING)
    text = b"".join([part async for part in lines_as_csv(store, run_id)]).decode()
    assert [row.rpartition(",")[2] for row in text.splitlines()[1:]] == [str(number) for number in range(count)]


async def test_lines_of_a_run_that_does_not_exist_are_not_found(api: Api) -> None:
    assert (await api.get(f"/flow_runs/{uuid4()}/logs/download")).status == 404
