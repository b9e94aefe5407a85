"""Inputs that runs are sent while they run."""

import json
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID, uuid4

import pytest

from headrace import flow, runtime
from headrace.client.orchestration import SyncHeadraceClient
from headrace.input import (
    RunInput,
    acreate_flow_run_input,
    adelete_flow_run_input,
    aread_flow_run_input,
    asend_input,
    create_flow_run_input,
    delete_flow_run_input,
    filter_flow_run_input,
    keyset_from_base_key,
    keyset_from_paused_state,
    read_flow_run_input,
    receive_input,
    send_input,
)
from headrace.states import Paused, Running
from headrace.wire.errors import FieldError, MissingContext, ObjectNotFound, RunError
from headrace.wire.waiting_errors import WaitTimeout

T = TypeVar("T")


class Greeting(RunInput):
    text: str
    times: int = 1


def in_a_flow(action: Callable[[UUID], T]) -> T:
    """What the action gives, called inside of a flow run with the run's id."""

    @flow
    def runs() -> T:
        return action(UUID(runtime.flow_run.id))

    return runs()


def test_what_is_sent_is_received_in_order_and_once(recorded: SyncHeadraceClient) -> None:
    def action(me: UUID) -> list[str]:
        for text in ("one", "two", "three"):
            send_input(Greeting(text=text), me)
        return [greeting.text for greeting in Greeting.receive(timeout=0)]

    assert in_a_flow(action) == ["one", "two", "three"]


def test_the_keys_and_values_are_those_of_the_contract(recorded: SyncHeadraceClient) -> None:
    def action(me: UUID) -> list[tuple[str, str, str | None]]:
        Greeting(text="hi").send_to(me, sender="someone")
        send_input("hello", me)
        Greeting(text="hi").send_to(me, key_prefix="mine")
        return [(kept.key[:-37], kept.value, kept.sender) for kept in filter_flow_run_input("", limit=10)]

    ids: list[UUID] = []
    kept = in_a_flow(lambda me: ids.append(me) or action(me))
    run = f"prefect.flow-run.{ids[0]}"
    assert [(prefix, json.loads(value), sender) for prefix, value, sender in kept] == [
        ("greeting-auto", {"text": "hi", "times": 1}, "someone"),
        ("strautomaticruninput-auto", {"value": "hello"}, run),
        ("mine", {"text": "hi", "times": 1}, run),
    ]


def test_plain_values_are_received_by_their_type(recorded: SyncHeadraceClient) -> None:
    def action(me: UUID) -> list[object]:
        send_input(3, me)
        send_input("three", me)
        send_input({"number": [3]}, me)
        return [*receive_input(int, timeout=0), *receive_input(str, timeout=0), *receive_input(dict, timeout=0)]

    assert in_a_flow(action) == [3, "three", {"number": [3]}]


def test_inputs_that_were_given_before_can_be_excluded(recorded: SyncHeadraceClient) -> None:
    def action(me: UUID) -> list[int]:
        send_input(1, me)
        first = receive_input(int, timeout=0, with_metadata=True).next()
        send_input(2, me)
        return list(receive_input(int, timeout=0, exclude_keys={first.metadata.key}))

    assert in_a_flow(action) == [2]


def test_a_run_is_answered_by_the_one_it_wrote_to(recorded: SyncHeadraceClient) -> None:
    asker: list[UUID] = []

    @flow
    def answers(me: UUID) -> None:
        question = receive_input(str, timeout=0, flow_run_id=me, with_metadata=True).next()
        assert question.metadata.receiver == me
        question.respond(Greeting(text=f"You said {question.value}"))

    @flow
    def asks() -> str:
        me = UUID(runtime.flow_run.id)
        asker.append(me)
        send_input("hello", me)
        answers(me)
        return Greeting.receive(timeout=0).next().text

    assert asks() == "You said hello"
    with pytest.raises(RunError, match="not sent by a flow run"):
        Greeting(text="out of nowhere").respond("?")


async def test_async_code_sends_and_receives_without_holding_up_its_loop(recorded: SyncHeadraceClient) -> None:
    @flow
    async def runs() -> list[str]:
        me = UUID(runtime.flow_run.id)
        await send_input(Greeting(text="one"), me)
        await asend_input(Greeting(text="two"), me)
        await Greeting(text="three").asend_to(me)
        receiver = Greeting.receive(timeout=0)
        first, second = await receiver.next(), await receiver.anext()
        await second.arespond("thanks")
        assert [thanks async for thanks in receive_input(str, timeout=0)] == ["thanks"]
        return [first.text, second.text, *[greeting.text async for greeting in receiver]]

    assert await runs() == ["one", "two", "three"]


def test_waiting_for_inputs_ends(recorded: SyncHeadraceClient) -> None:
    def action(_: UUID) -> None:
        assert list(receive_input(int, timeout=0.05, poll_interval=0.01)) == []
        with pytest.raises(WaitTimeout, match=r"0\.05 seconds"):
            receive_input(int, timeout=0.05, poll_interval=0.01).next()
        with pytest.raises(WaitTimeout):
            list(receive_input(int, timeout=0, raise_timeout_error=True))

    in_a_flow(action)


def test_an_input_that_does_not_fit_is_told_and_passed_over(recorded: SyncHeadraceClient) -> None:
    def action(me: UUID) -> None:
        create_flow_run_input("greeting-auto-1", {"text": "hi", "times": "often"})
        create_flow_run_input("greeting-auto-2", ["no object"])
        send_input(Greeting(text="hi"), me)
        receiver = Greeting.receive(timeout=0)
        with pytest.raises(FieldError, match="times"):
            receiver.next()
        with pytest.raises(FieldError, match="no object"):
            receiver.next()
        assert receiver.next() == Greeting(text="hi")

    in_a_flow(action)


def test_outside_of_a_flow_the_run_has_to_be_named(recorded: SyncHeadraceClient) -> None:
    with pytest.raises(MissingContext, match="flow_run_id"):
        receive_input(str)
    with pytest.raises(MissingContext, match="flow_run_id"):
        read_flow_run_input("key")
    with pytest.raises(ObjectNotFound):
        send_input("hello", uuid4())


def test_values_are_kept_by_keys_of_the_users_own(recorded: SyncHeadraceClient) -> None:
    def action(_: UUID) -> None:
        create_flow_run_input("figures", {"a": [1]})
        assert read_flow_run_input("figures") == {"a": [1]}
        delete_flow_run_input("figures")
        assert read_flow_run_input("figures") is None
        with pytest.raises(ObjectNotFound):
            delete_flow_run_input("figures")

    in_a_flow(action)


async def test_values_are_kept_by_async_code_too(recorded: SyncHeadraceClient) -> None:
    @flow
    async def runs() -> object:
        await acreate_flow_run_input("figures", 3)
        await adelete_flow_run_input("figures")
        await create_flow_run_input("figures", 4)
        return await aread_flow_run_input("figures")

    assert await runs() == 4


def test_keysets() -> None:
    assert keyset_from_base_key("paused-1")["schema"] == "paused-1-schema"
    assert keyset_from_paused_state(Paused(pause_key="1")) == keyset_from_base_key("paused-1")
    assert Greeting.keyset_from_type()["response"] == "greeting-response"
    with pytest.raises(RunError, match="Running"):
        keyset_from_paused_state(Running())
