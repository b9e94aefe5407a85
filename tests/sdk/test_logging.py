"""Log lines of runs: where they go and what belongs to them."""

import asyncio
import logging
import sys

import pytest

from headrace import flow, get_run_logger, task
from headrace.logging import disable_run_logger
from headrace.sdk import session
from headrace.sdk.logs import ConsoleFormatter
from headrace.settings import temporary_settings
from headrace.wire.errors import MissingContext, ServiceUnavailable
from tests.sdk.fake import FakeAPI


def messages(api: FakeAPI) -> list[str]:
    session.flush_all()
    return [line.message for line in api.logs]


def test_lines_of_a_run_are_kept_with_it(api: FakeAPI) -> None:
    @task
    def inner() -> None:
        get_run_logger().warning("from the %s", "task")

    @flow
    def outer() -> None:
        get_run_logger().info("from the flow", extra={"note": 1})
        inner()

    outer()
    assert {"from the flow", "from the task"} <= set(messages(api))
    by_message = {line.message: line for line in api.logs}
    assert by_message["from the flow"].flow_run_id == api.only_run.id
    assert by_message["from the flow"].task_run_id is None
    assert by_message["from the flow"].name == "headrace.flow_runs"
    from_task = by_message["from the task"]
    assert (from_task.name, from_task.level) == ("headrace.task_runs", logging.WARNING)
    assert from_task.task_run_id is not None
    assert from_task.flow_run_id == api.only_run.id


def test_the_last_line_of_a_failing_flow_is_kept_with_its_traceback(api: FakeAPI) -> None:
    @flow
    def breaks() -> None:
        raise ValueError("boom")

    breaks(return_state=True)
    lines = messages(api)
    assert lines[-1].startswith("Finished in state Failed(")
    assert any("Traceback" in line and "boom" in line for line in lines)


def test_a_logger_needs_a_run() -> None:
    with pytest.raises(MissingContext, match="inside a flow or a task"):
        get_run_logger()


def test_run_loggers_can_be_silenced_for_tests_of_plain_functions(capsys: pytest.CaptureFixture[str]) -> None:
    @task
    def inner() -> int:
        get_run_logger().warning("not to be seen")
        return 1

    with disable_run_logger():
        assert inner.fn() == 1
    assert capsys.readouterr().err == ""


def test_prints_are_logged_where_that_is_wanted_and_only_there(
    api: FakeAPI, capsys: pytest.CaptureFixture[str]
) -> None:
    @task
    def inner() -> None:
        print("from", "the", "task", sep="-")

    @task(log_prints=False)
    def silent() -> None:
        print("not logged")

    @flow(log_prints=True)
    def outer() -> None:
        print("from the flow")
        print("to stderr", file=sys.stderr)
        inner()
        silent()

    outer()
    print("after")
    lines = messages(api)
    assert {"from the flow", "from-the-task"} <= set(lines)
    assert capsys.readouterr().out == "not logged\nafter\n"
    assert "to stderr" not in lines


async def test_prints_of_flows_that_run_at_the_same_time_stay_apart(api: FakeAPI) -> None:
    @flow(log_prints=True)
    async def speaks(word: str) -> None:
        await asyncio.sleep(0.01)
        print(word)

    await asyncio.gather(speaks("one"), speaks("two"))
    session.flush_all()
    spoken = {line.message: line.flow_run_id for line in api.logs if line.message in ("one", "two")}
    assert {api.flow_runs[id_].parameters["word"]: word for word, id_ in spoken.items() if id_} == {
        "one": "one",
        "two": "two",
    }


def test_the_console_line_names_the_run(api: FakeAPI, capsys: pytest.CaptureFixture[str]) -> None:
    @flow(flow_run_name="first light")
    def outer() -> None:
        get_run_logger().info("hello")

    outer()
    line = next(line for line in capsys.readouterr().err.splitlines() if line.endswith("hello"))
    assert line[12:] == " | INFO    | Flow run 'first light' - hello"


def test_users_own_loggers_are_left_alone(api: FakeAPI) -> None:
    root = logging.getLogger()
    before = root.level, list(root.handlers)

    @flow
    def outer() -> None: ...

    outer()
    assert (root.level, list(root.handlers)) == before


def test_lines_for_the_api_can_be_turned_off(api: FakeAPI) -> None:
    @flow
    def outer() -> None:
        get_run_logger().info("hello")

    with temporary_settings({"logging.to_api_enabled": False}):
        outer()
    assert messages(api) == []


def test_a_line_that_is_too_long_is_cut(api: FakeAPI) -> None:
    @flow
    def outer() -> None:
        get_run_logger().info("x" * 100)

    with temporary_settings({"logging.to_api_max_log_size": 10}):
        outer()
        session.flush_all()
    assert "x" * 10 + "… [cut]" in messages(api)


def test_an_api_that_is_away_for_a_moment_gets_every_line_in_order(
    api: FakeAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [ServiceUnavailable("away"), ServiceUnavailable("away")]
    kept = api.create_logs

    def away(lines) -> None:
        if failures:
            raise failures.pop()
        kept(lines)

    monkeypatch.setattr(api, "create_logs", away)

    @flow
    def outer() -> None:
        for n in range(50):
            get_run_logger().info("%d", n)

    outer()
    assert [line for line in messages(api) if line.isdigit()] == [str(n) for n in range(50)]


def test_colours_mark_what_went_wrong() -> None:
    record = logging.LogRecord("headrace.x", logging.ERROR, __file__, 1, "bad", (), None)
    assert ConsoleFormatter(colours=True).format(record).endswith("headrace.x - bad\033[0m")
    assert "\033" not in ConsoleFormatter(colours=False).format(record)
