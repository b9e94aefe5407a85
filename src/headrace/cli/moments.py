"""Moments on the command line, as people write them."""

from datetime import datetime, timedelta

from headrace.cli.display import seconds_of
from headrace.cli.errors import UsageError
from headrace.wire.times import now


def moment_of(at: str | None, in_: str | None, options: str) -> datetime | None:
    """The moment that one of two options says: a date or a time of day on this machine's clock, or a length of time.

    None if neither is given. Raises `UsageError`, which calls the two as `options` does: `--start-at, --start-in`.
    """
    first, second = options.split(", ")
    if at is not None and in_ is not None:
        raise UsageError(f"{first} and {second} say the same: give one of them.")
    if in_ is not None:
        try:
            return now() + timedelta(seconds=seconds_of(in_))
        except (ValueError, OverflowError) as error:
            raise UsageError(f"{second} {error}") from None
    return None if at is None else _parsed(at, first)


def _parsed(text: str, option: str) -> datetime:
    from dateutil.parser import ParserError, parse

    midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        found = parse(text, default=midnight)
    except (ParserError, OverflowError):
        raise UsageError(
            f"{option} {text!r} is no moment: write it as 2026-12-24 18:00, as 18:00, or as 2026-12-24T18:00:00Z."
        ) from None
    return found if found.tzinfo is not None else found.astimezone()
