"""The two kinds of struct that travel: what is sent (`Body`) and what is answered (`Wire`)."""

from datetime import UTC, datetime
from functools import cache
from typing import Any, get_args, get_type_hints

import msgspec

from headrace.wire.times import as_utc


class Wire(msgspec.Struct, kw_only=True):
    """An object the server answers with; unknown keys are ignored, so newer servers can add some."""


class Parts(Wire, kw_only=True):
    """A body made of parts that may each be left out: `null` is the same as absent, an unknown part is ignored."""


class Body(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An object a client sends; an unknown key is an error that names it.

    Datetimes without an offset are read as UTC (contract §1), so that no naive value gets past the edge.
    """

    def __post_init__(self) -> None:
        """Bring every datetime field to UTC."""
        assume_utc(self)


def assume_utc(struct: msgspec.Struct) -> None:
    """Bring the datetimes of a struct to UTC; one that names no zone is taken to be UTC already."""
    for name in _moments(type(struct)):
        value = getattr(struct, name)
        if type(value) is datetime and value.tzinfo is not UTC:
            try:
                setattr(struct, name, as_utc(value))
            except OverflowError:
                raise ValueError(f"{name} lies outside the years 1 to 9999") from None


@cache
def _moments(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields that may hold a datetime, so that the others are not looked at for each struct."""
    hints = get_type_hints(kind)
    return tuple(name for name in kind.__struct_fields__ if datetime in (hints[name], *get_args(hints[name])))


def encode(value: Any) -> bytes:
    """JSON bytes of any wire value."""
    return _encoder.encode(value)


def encode_text(value: Any) -> str:
    """JSON text of any wire value, the form in which the store keeps documents."""
    return _encoder.encode(value).decode()


_encoder = msgspec.json.Encoder()
