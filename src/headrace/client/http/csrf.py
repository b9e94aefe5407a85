"""The token that a server with CSRF protection wants with every change (contract §1)."""

from typing import Any
from uuid import uuid4

import msgspec

from headrace.client.transports import Answer, Request

_CLIENT = str(uuid4())
_SIGNS = (b"CSRF token", b"client identifier")


class Token(msgspec.Struct, frozen=True):
    """A token and the client it was given to. It is asked for when the server misses it, not before."""

    token: str
    client: str

    @staticmethod
    def is_wanted(refusal: Answer) -> bool:
        """Whether a 403 means that the token is missing or no longer good."""
        return any(sign in refusal.body for sign in _SIGNS)

    @staticmethod
    def request() -> Request:
        return Request("GET", "/csrf-token", f"client={_CLIENT}")

    @classmethod
    def read(cls, answer: Answer) -> "Token | None":
        """The token in the answer, or None if the server gives none."""
        if answer.status != 200:
            return None
        content: dict[str, Any] = msgspec.json.decode(answer.body)
        return cls(str(content["token"]), str(content["client"]))

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a change."""
        return {"Prefect-Csrf-Token": self.token, "Prefect-Csrf-Client": self.client}
