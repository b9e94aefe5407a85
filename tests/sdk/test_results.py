"""Results: cached, kept, and read again where they are needed."""

import datetime
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from headrace import flow, task
from headrace.sdk.caching import (
    DEFAULT,
    FLOW_PARAMETERS,
    INPUTS,
    NO_CACHE,
    RUN_ID,
    TASK_SOURCE,
    CachePolicy,
    hash_objects,
)
from headrace.sdk.results import ResultRecord, ResultStore
from headrace.sdk.serializers import CompressedSerializer, JSONSerializer, PickleSerializer, resolve
from headrace.sdk.states import Completed
from headrace.sdk.storage import LocalStorage
from headrace.tasks import task_input_hash
from headrace.wire.errors import DefinitionError, MissingResult, SerializationError, UnfinishedRun
from headrace.wire.states import State, StateType
from tests.sdk.fake import FakeAPI


def counting(**options: Any) -> tuple[Any, list[Any]]:
    """A task that doubles, and the arguments it was really run with."""
    calls: list[Any] = []

    @task(**options)
    def double(x: Any, note: str = "") -> Any:
        calls.append(x)
        return x * 2

    return double, calls


def flow_calling(double: Any, *arguments: tuple[Any, ...], **options: Any) -> list[State]:
    @flow(**options)
    def around(n: int = 1) -> list[State]:
        return {"states": [double(*each, return_state=True) for each in arguments]}["states"]

    around(return_state=True)
    return around(return_state=True).result()


@pytest.mark.parametrize(
    ("policy", "runs"),
    [(INPUTS, [1, 2]), (DEFAULT, [1, 2, 1, 2]), (NO_CACHE, [1, 1, 2, 1, 1, 2]), (INPUTS + TASK_SOURCE, [1, 2])],
    ids=str,
)
def test_a_policy_decides_which_runs_share_a_result(api: FakeAPI, policy: CachePolicy, runs: list[int]) -> None:
    double, calls = counting(cache_policy=policy, persist_result=True)
    states = flow_calling(double, (1,), (1,), (2,))
    assert [state.result() for state in states] == [2, 2, 4]
    assert calls == runs
    if policy is not NO_CACHE:
        assert states[1].name == "Cached"


def test_without_persistence_nothing_is_cached(api: FakeAPI, home: Path) -> None:
    double, calls = counting()
    flow_calling(double, (1,), (1,))
    assert calls == [1] * 4
    assert not (home / "storage").exists()


def test_an_input_can_be_left_out_of_the_key(api: FakeAPI) -> None:
    double, calls = counting(cache_policy=INPUTS - "note")
    flow_calling(double, (1, "a"), (1, "b"))
    assert calls == [1]


def test_a_cache_key_function_sees_the_context_and_the_parameters(api: FakeAPI) -> None:
    seen = []

    def key(context, parameters) -> str:
        seen.append((context.task.name, parameters))
        return f"fixed-{parameters['x']}"

    double, calls = counting(cache_key_fn=key)
    flow_calling(double, (1,), (1,))
    assert calls == [1]
    assert seen[0] == ("double", {"x": 1, "note": ""})


def test_the_same_arguments_share_a_result_in_any_run(api: FakeAPI) -> None:
    double, calls = counting(cache_key_fn=task_input_hash)
    flow_calling(double, (1,), (1,), (2,))
    flow_calling(double, (1,))
    assert calls == [1, 2]


def test_an_expired_result_is_made_again(api: FakeAPI) -> None:
    double, calls = counting(cache_policy=INPUTS, cache_expiration=datetime.timedelta(0))
    flow_calling(double, (1,), (1,))
    assert calls == [1] * 4


def test_a_refreshed_cache_runs_and_keeps_the_new_result(api: FakeAPI) -> None:
    double, calls = counting(cache_policy=INPUTS)
    flow_calling(double, (1,))
    flow_calling(double.with_options(refresh_cache=True), (1,))
    assert calls == [1, 1, 1]


def test_flow_parameters_and_run_id_are_keys_of_the_run_around(api: FakeAPI) -> None:
    double, calls = counting(cache_policy=FLOW_PARAMETERS)
    flow_calling(double, (1,), (2,))
    assert calls == [1]
    double, calls = counting(cache_policy=RUN_ID)
    flow_calling(double, (1,), (2,))
    assert calls == [1, 1]


def test_the_state_of_a_cached_run_is_recorded(api: FakeAPI) -> None:
    double, _ = counting(cache_policy=INPUTS)
    flow_calling(double, (1,), (1,))
    assert api.task_states(double.fn.__qualname__)[1] == ["Pending", "Cached"]


def test_a_kept_result_travels_as_its_metadata_and_is_read_from_it(api: FakeAPI, home: Path) -> None:
    @flow(persist_result=True)
    def answer() -> dict[str, int]:
        return {"answer": 42}

    answer()
    recorded = api.only_run.state
    assert recorded is not None
    assert isinstance(recorded.data, ResultRecord)
    travelled = JSONSerializer().loads(JSONSerializer().dumps(recorded.data.metadata))
    elsewhere = State(type=StateType.COMPLETED, data=travelled)
    assert Path(elsewhere.data["storage_key"]).is_relative_to(home / "storage")
    assert elsewhere.data["serializer"]["type"] == "pickle"
    assert elsewhere.result() == {"answer": 42}


def test_a_result_that_was_not_kept_says_what_to_do() -> None:
    with pytest.raises(MissingResult, match="persist_result=True"):
        State(type=StateType.COMPLETED).result()
    with pytest.raises(UnfinishedRun, match="Running"):
        State(type=StateType.RUNNING).result()


def test_a_removed_file_says_so(tmp_path: Path) -> None:
    store = ResultStore(LocalStorage(tmp_path))
    record = store.write(1, "gone")
    (tmp_path / "gone").unlink()
    with pytest.raises(MissingResult, match="was removed"):
        Completed(data={"storage_key": record.metadata.storage_key}).result()  # type: ignore[union-attr]


def test_options_of_storage_and_serializer_are_used_and_named_by_templates(api: FakeAPI, tmp_path: Path) -> None:
    double, _ = counting(
        result_storage=tmp_path / "kept", result_serializer="json", result_storage_key="{parameters[x]}.json"
    )
    flow_calling(double, (21,))
    head, body = (tmp_path / "kept" / "21.json").read_bytes().split(b"\n")
    assert body == b"42"
    assert b'"type":"json"' in head


def test_a_result_that_cannot_be_kept_fails_the_task_and_says_why(api: FakeAPI) -> None:
    @task(persist_result=True, result_serializer="json")
    def unspeakable() -> object:
        return object()

    @flow
    def around() -> State:
        return unspeakable(return_state=True)

    state = around(return_state=True)
    assert state.is_failed()
    with pytest.raises(SerializationError, match="cannot be written as JSON"):
        state.result()


@pytest.mark.parametrize("name", ["pickle", "json", "compressed/pickle", "compressed/json"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is slow
@given(value=some.recursive(some.none() | some.integers(-(2**53), 2**53) | some.text(), some.lists))
def test_serializers_give_back_what_they_were_given(name: str, value: Any) -> None:
    serializer = resolve(name)
    assert resolve(serializer.describe()).loads(serializer.dumps(value)) == value


def test_serializers_and_storages_that_do_not_exist_are_refused(api: FakeAPI) -> None:
    with pytest.raises(SerializationError, match="There is no serializer 'yaml'"):
        resolve("yaml")
    with pytest.raises(SerializationError, match="There is no compression 'zip'"):
        CompressedSerializer(PickleSerializer(), "zip")
    with pytest.raises(DefinitionError, match="not a result storage"):
        flow(lambda: 1, name="x", result_storage=object())()


def test_a_half_written_file_is_never_seen(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)

    with pytest.raises(TypeError):
        storage.write("a/b", "not bytes")  # type: ignore[arg-type]
    assert not storage.exists("a/b")
    assert list((tmp_path / "a").iterdir()) == []


def test_keys_are_the_same_in_every_process_and_tell_types_apart() -> None:
    assert hash_objects({"a": 1, "b": {1, 2, 3}}) == hash_objects({"b": {3, 2, 1}, "a": 1})
    key = INPUTS.compute_key(None, {"x": (1,)}, {})  # type: ignore[arg-type]
    assert key != INPUTS.compute_key(None, {"x": [1]}, {})  # type: ignore[arg-type]


def test_inputs_without_bytes_say_how_to_go_on() -> None:
    with pytest.raises(SerializationError, match="Leave one out"):
        hash_objects({"lock": threading.Lock()})
