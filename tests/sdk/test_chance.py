"""Chance in this package and chance in users' code leave each other alone."""

import os
import random

from headrace.sdk.retries import delay_before
from headrace.wire.ids import uuid7
from headrace.wire.names import random_name


def drawn() -> list[object]:
    """Names and delays of the package's own chance."""
    return [*(random_name() for _ in range(20)), *(delay_before(1, 10.0, 1.0) for _ in range(20))]


def test_a_seed_in_users_code_gives_no_run_the_name_of_another() -> None:
    random.seed(5)
    first = drawn()
    random.seed(5)
    assert drawn() != first


def test_users_draw_the_same_numbers_with_and_without_runs() -> None:
    random.seed(5)
    expected = random.random()
    random.seed(5)
    drawn()
    uuid7()
    assert random.random() == expected


def test_a_forked_child_draws_other_names_than_its_parent() -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, repr(drawn()).encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as said:
        assert said.read() != repr(drawn())
