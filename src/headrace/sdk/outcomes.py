"""How one attempt at a user's function ended. An outcome is a value, so that no exception of the user's has to pass
through the engine's own coroutines (where a StopIteration could not).
"""

from typing import Any

import msgspec


class Returned(msgspec.Struct, frozen=True):
    value: Any


class Raised(msgspec.Struct, frozen=True):
    error: Exception


class Expired(msgspec.Struct, frozen=True):
    """The function took longer than it was given, in seconds, and was interrupted."""

    seconds: float


Outcome = Returned | Raised | Expired
