"""Python values as SQLite keeps them: ids as text, times as microseconds, lists as JSON arrays.

Converted by hand and not by `sqlite3.register_adapter`, which would change `sqlite3` for the whole process, users'
own code included.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import msgspec

from headrace.server.store.base import Statement
from headrace.wire.ids import id_text
from headrace.wire.times import to_micros

_NATIVE = frozenset({str, int, float, bool, bytes, type(None)})
_OPTIONAL_ID = frozenset({UUID, type(None)})
_encode = msgspec.json.Encoder().encode
_decode_ids = msgspec.json.Decoder(list[str | None]).decode


def bind(statement: Statement, values: Sequence[Any]) -> Sequence[Any]:
    """The values as SQLite keeps them, in the order in which the statement's text takes them."""
    kept = [value if type(value) in _NATIVE else _kept(value) for value in values]
    return kept if statement.order is None else [kept[index] for index in statement.order]


def bind_many(statement: Statement, rows: Iterable[Sequence[Any]]) -> Iterable[Sequence[Any]]:
    """Each row of values as `bind` gives it, converted column by column: for many rows twice as fast."""
    columns = [_kept_column(column) for column in zip(*rows, strict=True)]
    if columns and statement.order is not None:
        columns = [columns[index] for index in statement.order]
    return zip(*columns, strict=True)


def _kept_column(column: Sequence[Any]) -> Sequence[Any]:
    types = set(map(type, column))
    if types <= _NATIVE:
        return column
    if types <= _OPTIONAL_ID:
        return _decode_ids(_encode(column))
    return [value if type(value) in _NATIVE else _kept(value) for value in column]


def _kept(value: Any) -> Any:
    keep = _KEPT_AS.get(cast("type[object]", type(value)))
    return _subclass(value) if keep is None else keep(value)


def _list(values: Iterable[Any]) -> str:
    """A JSON array of the kept values, for `json_each`; ids, which come by the thousand, are written at once."""
    values = list(values)
    if set(map(type, values)) <= _OPTIONAL_ID:
        return _encode(values).decode()
    return _encode([value if type(value) in _NATIVE else _kept(value) for value in values]).decode()


def _subclass(value: Any) -> Any:
    """An enum's member, or another library's UUID or datetime; the driver judges the rest."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, UUID):
        return id_text(value)
    return to_micros(value) if isinstance(value, datetime) else value


_KEPT_AS: dict[type, Callable[[Any], Any]] = {
    UUID: id_text,
    datetime: to_micros,
    list: _list,
    tuple: _list,
    set: _list,
    frozenset: _list,
}
