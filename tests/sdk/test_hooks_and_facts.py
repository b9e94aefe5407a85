"""Hooks are called with what they need, and `runtime` says where the code is."""

import datetime

import pytest

from headrace import flow, get_run_logger, runtime, tags, task
from headrace.context import FlowRunContext, TaskRunContext, get_run_context
from headrace.runtime import flow_run, task_run
from headrace.sdk import session
from headrace.settings import temporary_settings
from headrace.wire.errors import DefinitionError, MissingContext
from tests.sdk.fake import FakeAPI


def test_hooks_of_a_flow_are_called_for_its_states(api: FakeAPI) -> None:
    called = []

    def note(kind):
        return lambda flow, run, state: called.append((kind, flow.name, run.name, state.name))

    @flow(on_running=[note("running")], on_completion=[note("completion")], on_failure=[note("failure")])
    def outer(fail: bool) -> None:
        if fail:
            raise ValueError("boom")

    @outer.on_crashed
    def crashed(flow, run, state) -> None:
        called.append(("crashed", flow.name, run.name, state.name))

    outer(fail=False)
    name = api.only_run.name
    assert called == [("running", "outer", name, "Running"), ("completion", "outer", name, "Completed")]
    called.clear()
    outer(True, return_state=True)
    assert [each[0] for each in called] == ["running", "failure"]
    called.clear()

    @flow(name="ended", on_crashed=outer.on_crashed_hooks)
    def ended() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ended()
    assert [each[0] for each in called] == ["crashed"]


def test_hooks_of_a_task_are_called_for_its_states_and_failure_only_at_the_end(api: FakeAPI) -> None:
    called = []

    @task(retries=1)
    def breaks() -> None:
        raise ValueError("boom")

    @breaks.on_running
    def running(task, run, state) -> None:
        called.append(("running", task.name, run.run_count, state.name))

    @breaks.on_failure
    async def failed(task, run, state) -> None:
        called.append(("failed", task.name, run.run_count, state.name))

    @flow
    def outer() -> None:
        breaks(return_state=True)

    outer()
    assert called == [
        ("running", "breaks", 1, "Running"),
        ("running", "breaks", 2, "Retrying"),
        ("failed", "breaks", 2, "Failed"),
    ]


async def test_async_hooks_of_async_flows_are_awaited(api: FakeAPI) -> None:
    called = []

    async def hook(flow, run, state) -> None:
        called.append(state.name)

    @flow(on_completion=[hook])
    async def outer() -> None: ...

    await outer()
    assert called == ["Completed"]


def test_hooks_may_log_for_their_run(api: FakeAPI) -> None:
    def hook(flow, run, state) -> None:
        get_run_logger().info("hook of %s", state.name)

    @flow(on_running=[hook], on_completion=[hook], on_crashed=[hook])
    def outer(end: type[BaseException] | None = None) -> None:
        if end is not None:
            raise end

    outer()
    with pytest.raises(KeyboardInterrupt):
        outer(KeyboardInterrupt)
    session.flush_all()
    said = [line.message for line in api.logs if line.message.startswith("hook of")]
    assert said == ["hook of Running", "hook of Completed", "hook of Running", "hook of Crashed"]


def test_a_hook_that_fails_changes_nothing(api: FakeAPI, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(flow, run, state) -> None:
        raise RuntimeError("the hook is broken")

    @flow(on_completion=[broken])
    def outer() -> int:
        return 1

    assert outer() == 1
    assert "Hook 'broken' failed" in capsys.readouterr().err


def test_facts_of_the_flow_run_and_the_task_run(api: FakeAPI) -> None:
    @task(tags=["own"])
    def inner(x: int) -> dict:
        return {name: getattr(task_run, name) for name in task_run.__all__}

    @flow
    def child() -> tuple:
        return flow_run.parent_flow_run_id, flow_run.root_flow_run_id, task_run.id

    @flow(version="v1")
    def outer(n: int) -> tuple:
        return {name: getattr(flow_run, name) for name in flow_run.__all__}, inner(n), child()

    with tags("around"):
        of_flow, of_task, of_child = outer(3)
    run = api.run_named("outer")
    assert of_flow["id"] == str(run.id)
    assert (of_flow["name"], of_flow["flow_name"], of_flow["flow_version"]) == (run.name, "outer", "v1")
    assert (of_flow["parameters"], of_flow["tags"], of_flow["run_count"]) == ({"n": 3}, ["around"], 1)
    assert (of_flow["parent_flow_run_id"], of_flow["root_flow_run_id"]) == (None, str(run.id))
    assert (of_task["name"], of_task["task_name"]) == ("inner-0", "inner")
    assert (of_task["parameters"], of_task["tags"], of_task["run_count"]) == ({"x": 3}, ["around", "own"], 1)
    assert of_child == (str(run.id), str(run.id), None)


def test_facts_name_where_the_run_can_be_seen(api: FakeAPI) -> None:
    @flow
    def outer() -> tuple:
        return flow_run.api_url, flow_run.ui_url

    with temporary_settings({"api.url": "http://127.0.0.1:4200/api"}):
        api_url, ui_url = outer()
    assert api_url == f"http://127.0.0.1:4200/api/flow_runs/{api.only_run.id}"
    assert ui_url == f"http://127.0.0.1:4200/runs/flow-run/{api.only_run.id}"


def test_outside_of_any_run_facts_are_none_or_empty() -> None:
    assert (flow_run.id, flow_run.name, flow_run.tags, flow_run.parameters, flow_run.run_count) == (
        *(None, None, [], {}, 0),
    )
    assert (task_run.id, runtime.deployment.id) == (None, None)
    with pytest.raises(AttributeError, match="it has id, tags"):
        _ = flow_run.nmae


def test_facts_can_be_set_for_tests_of_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE__RUNTIME__FLOW_RUN__NAME", "pretended")
    monkeypatch.setenv("HEADRACE__RUNTIME__FLOW_RUN__TAGS", "a, b")
    monkeypatch.setenv("HEADRACE__RUNTIME__FLOW_RUN__RUN_COUNT", "4")
    assert (flow_run.name, flow_run.tags, flow_run.run_count) == ("pretended", ["a", "b"], 4)


def test_the_contexts_say_what_runs(api: FakeAPI) -> None:
    assert FlowRunContext.get() is TaskRunContext.get() is None
    with pytest.raises(MissingContext, match="inside a flow or a task"):
        get_run_context()

    @task
    def inner() -> tuple:
        return get_run_context(), FlowRunContext.get()

    @flow
    def outer() -> tuple:
        return get_run_context(), inner()

    around, (within, still) = outer()
    assert around.flow is outer
    assert around.flow_run.id == api.only_run.id
    assert within.task is inner
    assert within.start_time.tzinfo is datetime.UTC
    assert still is around


def test_names_that_cannot_be_filled_in_say_what_there_is(api: FakeAPI) -> None:
    with pytest.raises(DefinitionError, match="It may use n"):
        flow(lambda n: n, name="x", flow_run_name="{table}")(1)
    with pytest.raises(DefinitionError, match="must be a text without"):
        flow(name="a/b")(lambda: None)
