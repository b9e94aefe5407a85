"""Moments and durations as people read them."""

from datetime import datetime

from headrace.wire.errors import HeadraceError
from headrace.wire.times import now

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def duration(seconds: float) -> str:
    """A length of time in at most two units.

    >>> duration(0.4567), duration(64), duration(7500)
    ('0.46s', '1m 04s', '2h 05m')
    """
    if round(seconds, 2) < 10:
        return f"{seconds:.2f}s"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}h {minutes:02}m"
    return f"{hours // 24}d {hours % 24:02}h"


def span(seconds: float) -> str:
    """A length of time as `seconds_of` reads it, in the largest unit that says it exactly.

    >>> span(7776000), span(5400), span(0.5)
    ('90d', '90m', '0.5s')
    """
    for unit in ("d", "h", "m"):
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]:.0f}{unit}"
    return f"{seconds:g}s"


def size(many: float) -> str:
    """How much room something takes.

    >>> size(0), size(1536), size(48_212_000)
    ('0 B', '1.5 kB', '48 MB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if many < 999.5:
            return f"{many:.0f} {unit}" if many >= 9.95 or unit == "B" else f"{many:.1f} {unit}"
        many /= 1000
    return f"{many:.1f} TB"


def amount(many: int, noun: str, *, at_least: bool = False) -> str:
    """So many of something.

    >>> amount(1, "flow run"), amount(48212, "flow run"), amount(2000, "flow run", at_least=True)
    ('1 flow run', '48,212 flow runs', '2,000+ flow runs')
    """
    return f"{many:,}{'+' if at_least else ''} {noun}{'' if many == 1 and not at_least else 's'}"


def ago(moment: datetime | None) -> str:
    """How long ago a moment was, or how soon it will be; nothing for no moment."""
    if moment is None:
        return ""
    seconds = (now() - moment).total_seconds()
    amount, unit = _coarse(abs(seconds))
    return f"{amount}{unit} ago" if seconds >= 0 else f"in {amount}{unit}"


def local(moment: datetime | None) -> str | None:
    """A moment on the clock of this machine, to the millisecond."""
    if moment is None:
        return None
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}"


def seconds_of(text: str) -> float:
    """The seconds that a text such as `30m`, `24h` or `7d` means. Raises `ValueError`."""
    number, unit = text[:-1], text[-1:].lower()
    if unit not in _UNITS:
        raise ValueError(f"{text!r} is not a length of time: write it as 90s, 30m, 24h, 7d or 2w.")
    try:
        return float(number) * _UNITS[unit]
    except ValueError:
        raise ValueError(f"{text!r} is not a length of time: write it as 90s, 30m, 24h, 7d or 2w.") from None


def one_line(error: HeadraceError) -> str:
    """An error's message without its line breaks."""
    return " ".join(str(error).split())


def _coarse(seconds: float) -> tuple[int, str]:
    for unit, size in reversed(_UNITS.items()):
        if unit != "w" and seconds >= size:
            return int(seconds // size), unit
    return 0, "s"
