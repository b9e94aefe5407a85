"""How long to try again: which failures pass, and how many seconds to wait before the next attempt (contract §1)."""

from collections.abc import Mapping

import msgspec

from headrace.wire.chance import CHANCE

PASSING = frozenset({408, 429, 502, 503})
"""Statuses that a later attempt may not meet. 500 and 423 are answers, not accidents."""
_LONGEST = 300.0


class Patience(msgspec.Struct, frozen=True):
    """How often to repeat: after a refusal, after a lost connection, and where nobody has ever answered."""

    refused: int = 5
    lost: int = 5
    unknown: int = 2

    @classmethod
    def of(cls, retries: int) -> "Patience":
        """The same bound for everything."""
        return cls(retries, retries, min(retries, cls().unknown))

    def after_status(self, attempt: int, headers: Mapping[str, str]) -> float | None:
        """Seconds to wait after attempt number `attempt` (from 0) was refused for now; None to give up.

        `Retry-After` is honoured up to five minutes. A server in maintenance is waited for without end.
        """
        if attempt >= self.refused and headers.get("prefect-maintenance") != "true":
            return None
        asked = _seconds(headers.get("retry-after", ""))
        return self._backoff(attempt) if asked is None else min(asked, _LONGEST)

    def after_loss(self, attempt: int, *, reached_before: bool) -> float | None:
        """Seconds to wait after a connection failed; None to give up.

        The address of a server that never answered may simply be wrong, so that is found out in a second.
        """
        if reached_before:
            return self._backoff(attempt) if attempt < self.lost else None
        return 0.3 * CHANCE.uniform(0.75, 1.25) if attempt < self.unknown else None

    def _backoff(self, attempt: int) -> float:
        return min(2.0**attempt, 30.0) * CHANCE.uniform(0.75, 1.25)


def _seconds(retry_after: str) -> float | None:
    """What a `Retry-After` header asks for: seconds, or until a date."""
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        return _seconds_until(retry_after)


def _seconds_until(date: str) -> float | None:
    from email.utils import parsedate_to_datetime

    from headrace.wire.times import as_utc, now

    try:
        return max(0.0, (as_utc(parsedate_to_datetime(date)) - now()).total_seconds())
    except ValueError:
        return None
