"""Numbers, sizes and times as people say them: `12,345`, `2.0 MB`, `an hour ago`."""

from datetime import UTC, date, datetime, timedelta
from math import floor, log10

_POWERS = ("thousand", "million", "billion", "trillion", "quadrillion", "quintillion")
_UNITS = (
    ("year", 365 * 86_400),
    ("month", 30 * 86_400),
    ("day", 86_400),
    ("hour", 3_600),
    ("minute", 60),
    ("second", 1),
)
_SIZES = ("kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")


def intcomma(number: float) -> str:
    """A number with commas between thousands.

    >>> intcomma(12345)
    '12,345'
    """
    return f"{number:,}"


def intword(number: float) -> str:
    """A large number in words.

    >>> intword(12345)
    '12.3 thousand'
    """
    if abs(number) < 1000:
        return str(number)
    power = min((floor(log10(abs(number))) // 3), len(_POWERS))
    return f"{number / 1000**power:.1f} {_POWERS[power - 1]}"


def ordinal(number: int) -> str:
    """A place in a row.

    >>> ordinal(3), ordinal(12)
    ('3rd', '12th')
    """
    number = int(number)
    if abs(number) % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(abs(number) % 10, 'th') }"


def naturalsize(size: float) -> str:
    """Bytes in the largest unit that fits, by thousands.

    >>> naturalsize(123456)
    '123.5 kB'
    """
    size = float(size)
    if abs(size) < 1000:
        return "1 Byte" if abs(size) == 1 else f"{size:.0f} Bytes"
    power = min(floor(log10(abs(size))) // 3, len(_SIZES))
    return f"{size / 1000**power:.1f} {_SIZES[power - 1]}"


def naturaldelta(span: float | timedelta) -> str:
    """About how long a span of time is; a number is seconds.

    >>> naturaldelta(5400)
    'an hour'
    """
    seconds = abs(_seconds(span))
    for name, length in _UNITS:
        count = int(seconds // length)
        if count == 1 and name != "second":
            return f"{'an' if name == 'hour' else 'a'} {name}"
        if count >= 1:
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "a moment"


def precisedelta(span: float | timedelta) -> str:
    """How long a span of time is, unit by unit; a number is seconds.

    >>> precisedelta(3661.5)
    '1 hour, 1 minute and 1.50 seconds'
    """
    left = abs(_seconds(span))
    parts: list[str] = []
    for name, length in _UNITS[:-1]:
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count:.0f} {name}{'' if count == 1 else 's'}")
    if left or not parts:
        shown = f"{left:.0f}" if left == int(left) else f"{left:.2f}"
        parts.append(f"{shown} second{'' if shown == '1' else 's'}")
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def naturaltime(moment: datetime | float | timedelta, now: datetime) -> str:
    """How long ago a moment was, or how far away it is; a span of time is one that has passed.

    >>> naturaltime(3600, datetime.now(UTC))
    'an hour ago'
    """
    passed = (now - _aware(moment)).total_seconds() if isinstance(moment, datetime) else _seconds(moment)
    said = naturaldelta(passed)
    if said == "a moment":
        return "now"
    return f"{said} from now" if passed < 0 else f"{said} ago"


def naturalday(moment: date, now: datetime) -> str:
    """Today, tomorrow, yesterday, or month and day."""
    day = _day(moment)
    named = {0: "today", 1: "tomorrow", -1: "yesterday"}.get((day - now.date()).days)
    return named or f"{day:%b %d}"


def naturaldate(moment: date, now: datetime) -> str:
    """As `naturalday`, with the year for what is more than five months away."""
    day = _day(moment)
    return f"{day:%b %d %Y}" if abs((day - now.date()).days) >= 5 * 365 / 12 else naturalday(day, now)


def _seconds(span: float | timedelta) -> float:
    return span.total_seconds() if isinstance(span, timedelta) else float(span)


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment
