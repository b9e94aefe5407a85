"""How processes end, in words."""

import signal

import pytest

from headrace.sdk.execution.exits import Exit


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended with the exit code 0"),
        (1, "ended with the exit code 1: an error"),
        (3, "ended with the exit code 3"),
        (-signal.SIGKILL, "ended by the signal SIGKILL: it was killed from outside, most often because memory ran out"),
        (128 + signal.SIGTERM, "ended by the signal SIGTERM: it was asked to stop"),
        (-signal.SIGSEGV, "ended by the signal SIGSEGV: it accessed memory"),
        (-63, "ended by the signal "),
    ],
)
def test_an_exit_says_what_it_most_likely_means(code: int, words: str) -> None:
    assert str(Exit(code)).startswith(words)
    assert Exit(code).is_clean is (code == 0)
