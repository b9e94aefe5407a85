"""States on the command line: what `--state` selects, and how a state is coloured."""

from collections.abc import Sequence
from typing import assert_never

from headrace.wire.states import StateType


def types_and_names(words: Sequence[str]) -> tuple[list[StateType] | None, list[str] | None]:
    """What `--state` means: a word that is one of the nine types selects it, any other is a state's name.

    >>> types_and_names(["failed", "Late"])
    ([<StateType.FAILED: 'FAILED'>], ['Late'])
    """
    types = [StateType(word.upper()) for word in words if word.upper() in StateType.__members__]
    names = [word for word in words if word.upper() not in StateType.__members__]
    return types or None, names or None


def state_style(type_: StateType | None) -> str:
    """The colour of a state on a terminal, as rich names it."""
    match type_:
        case StateType.COMPLETED:
            return "green"
        case StateType.FAILED | StateType.CRASHED:
            return "red"
        case StateType.RUNNING:
            return "cyan"
        case StateType.SCHEDULED | StateType.PENDING | StateType.PAUSED:
            return "yellow"
        case StateType.CANCELLED | StateType.CANCELLING:
            return "magenta"
        case None:
            return "dim"
        case _:
            assert_never(type_)
