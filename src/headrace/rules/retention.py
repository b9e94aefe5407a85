"""For how long events are kept: by default, and by their names."""

from collections.abc import Iterable, Mapping

import msgspec

from headrace.wire.errors import SettingsError


class Retention(msgspec.Struct, frozen=True):
    """Seconds by name, by prefix, and for all the rest. The exact name wins, then the longest prefix.

    >>> rules = read_retention(60, ["made=10", "made.*=20"])
    >>> rules.seconds("made"), rules.seconds("made.late"), rules.seconds("lost")
    (10.0, 20.0, 60)
    """

    default: float
    names: Mapping[str, float] = {}
    prefixes: Mapping[str, float] = {}

    def seconds(self, event: str) -> float:
        """How long an event of this name is kept."""
        if event in self.names:
            return self.names[event]
        prefix = self.source(event)
        return self.default if prefix is None else self.prefixes[prefix]

    def source(self, event: str) -> str | None:
        """The name or prefix that says how long an event of this name is kept; None where the default does."""
        if event in self.names:
            return event
        return max((prefix for prefix in self.prefixes if event.startswith(prefix)), key=len, default=None)

    @property
    def uniform(self) -> bool:
        """Whether all events are kept equally long."""
        return not self.names and not self.prefixes


def read_retention(default: float, overrides: Iterable[str]) -> Retention:
    """The retention of a default and of texts such as `NAME=SECONDS` and `PREFIX*=SECONDS`.

    Raises `SettingsError` that names the text that says something else.
    """
    names: dict[str, float] = {}
    prefixes: dict[str, float] = {}
    for text in overrides:
        name, equals, amount = text.rpartition("=")
        seconds = _number(amount)
        if not equals or not name or seconds is None or "*" in name[:-1]:
            raise SettingsError(
                f"HEADRACE_SERVER_EVENTS_RETENTION_OVERRIDES has {text!r}; "
                "each part must be NAME=SECONDS or PREFIX*=SECONDS, with seconds above 0."
            )
        if name.endswith("*"):
            prefixes[name[:-1]] = seconds
        else:
            names[name] = seconds
    return Retention(default, names, prefixes)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 < number < float("inf") else None
