"""The background sender: in order, until acknowledged, within bounds."""

import os
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

from headrace.sdk.shipping import Shipper, Terms
from headrace.wire.errors import BadRequest, ServiceUnavailable, Unauthorized, Unprocessable


def shipper(send: Any, **terms: Any) -> Shipper[int]:
    return Shipper(send, Terms(what="numbers", **({"linger": 0.001} | terms)))


def test_everything_arrives_once_and_in_order() -> None:
    arrived: list[int] = []
    sending = shipper(arrived.extend, batch=7)
    for n in range(1000):
        sending.put(n)
    assert sending.flush(20)
    assert arrived == list(range(1000))


def test_batches_are_no_larger_than_they_may_be() -> None:
    sizes: list[int] = []
    sending = shipper(lambda batch: sizes.append(len(batch)), batch=7)
    for n in range(50):
        sending.put(n)
    sending.flush(20)
    assert max(sizes) <= 7


def test_what_was_put_before_a_flush_is_settled_after_it_from_any_thread() -> None:
    arrived: list[int] = []
    sending = shipper(arrived.extend)

    def produce(start: int) -> None:
        for n in range(start, start + 200):
            sending.put(n)
        assert sending.flush(20)
        assert set(range(start, start + 200)) <= set(arrived)

    threads = [threading.Thread(target=produce, args=(start,)) for start in range(0, 1000, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(arrived) == list(range(1000))


def test_a_batch_is_sent_again_until_it_is_acknowledged() -> None:
    failures = [ServiceUnavailable("away")] * 2
    arrived: list[int] = []

    def send(batch: list[int]) -> None:
        if failures:
            raise failures.pop()
        arrived.extend(batch)

    sending = shipper(send)
    sending.put(1)
    assert sending.flush(20)
    assert arrived == [1]


def test_after_its_patience_a_batch_is_given_up_with_a_warning_and_the_next_is_tried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    away = True
    arrived: list[int] = []

    def send(batch: list[int]) -> None:
        if away:
            raise ServiceUnavailable("nobody there")
        arrived.extend(batch)

    sending = shipper(send, patience=0.0)
    sending.put(1)
    assert sending.flush(20)
    assert "1 numbers could not be recorded: the API cannot be reached: nobody there" in caplog.text
    away = False
    sending.put(2)
    assert sending.flush(20)
    assert arrived == [2]


def test_a_batch_that_is_refused_is_not_sent_again() -> None:
    attempts: list[int] = []

    def send(batch: list[int]) -> None:
        attempts.append(1)
        raise BadRequest("no")

    sending = shipper(send)
    sending.put(1)
    assert sending.flush(20)
    assert attempts == [1]


def test_what_is_refused_takes_nothing_else_with_it(caplog: pytest.LogCaptureFixture) -> None:
    arrived: list[int] = []

    def send(batch: list[int]) -> None:
        if 13 in batch:
            raise Unprocessable("13 is no good")
        arrived.extend(batch)

    sending = shipper(send)
    for n in range(100):
        sending.put(n)
    assert sending.flush(20)
    assert arrived == [n for n in range(100) if n != 13]
    assert [record.getMessage() for record in caplog.records] == [
        "1 numbers were not recorded: the API refused them: 13 is no good"
    ]


def test_a_sender_who_is_not_let_in_does_not_knock_once_for_each_item() -> None:
    attempts: list[int] = []

    def send(batch: list[int]) -> None:
        attempts.append(len(batch))
        raise Unauthorized("who are you?")

    sending = shipper(send, linger=20)
    for n in range(100):
        sending.put(n)
    assert sending.flush(20)
    assert attempts == [100]


def test_a_flush_does_not_wait_for_longer_than_it_is_told() -> None:
    gate = threading.Event()
    sending = shipper(lambda _batch: gate.wait(20))
    sending.put(1)
    assert not sending.flush(0.01)
    gate.set()
    assert sending.flush(20)


def test_a_forked_child_sends_its_own_items_and_not_its_parents(tmp_path: Path) -> None:
    arrived = tmp_path / "arrived"
    gate = threading.Event()

    def send(batch: list[int]) -> None:
        if os.getpid() == parent:
            gate.wait(20)
        with arrived.open("a") as file:
            file.write("".join(f"{os.getpid() == parent}:{n}\n" for n in batch))

    parent = os.getpid()
    sending = shipper(send)
    sending.put(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is what is tested
        child = os.fork()
    if child == 0:
        sending.put(2)
        os._exit(0 if sending.flush(20) else 1)
    assert os.waitpid(child, 0)[1] == 0
    gate.set()
    assert sending.flush(20)
    assert arrived.read_text().split() == ["False:2", "True:1"]


def test_a_full_buffer_holds_the_producer_back_and_loses_nothing() -> None:
    gate = threading.Event()
    arrived: list[int] = []

    def send(batch: list[int]) -> None:
        gate.wait(20)
        arrived.extend(batch)

    sending = shipper(send, capacity=10, batch=5)
    producer = threading.Thread(target=lambda: [sending.put(n) for n in range(40)])
    producer.start()
    assert producer.is_alive()
    assert sending.pending <= 10
    gate.set()
    producer.join(20)
    assert sending.flush(20)
    assert arrived == list(range(40))


def test_a_full_buffer_may_drop_and_says_how_many(caplog: pytest.LogCaptureFixture) -> None:
    gate, entered = threading.Event(), threading.Event()
    arrived: list[int] = []

    def send(batch: list[int]) -> None:
        entered.set()
        gate.wait(20)
        arrived.extend(batch)

    sending = shipper(send, capacity=10, when_full="drop")
    sending.put(0)
    assert entered.wait(20)
    for n in range(1, 31):
        sending.put(n)
    gate.set()
    assert sending.flush(20)
    assert arrived == list(range(11))
    assert "20 numbers were not recorded" in caplog.text
