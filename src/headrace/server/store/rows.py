"""Rows into structs, fast: a reader converts a whole answer column by column, then builds the structs.

    RUNS = Reader(FlowRun, {"id": Kind.UUID, "created": Kind.TIME, "tags": JSON(list[str]), "name": Kind.TEXT})
    STATEMENT = Statement(f"SELECT {RUNS.columns('r')} FROM flow_runs r WHERE r.flow_id = $1")
    runs = RUNS.all(await store.fetch(STATEMENT, flow_id), store.dialect)

Working by column leaves one call into msgspec for all the ids, and one for all the documents, of a column:
200 flow runs of 35 columns become structs in about a millisecond.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum, auto
from functools import lru_cache
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from headrace.server.store.base import Dialect, Row
from headrace.wire.base import encode
from headrace.wire.times import from_micros

Built = TypeVar("Built")
Column = Sequence[Any]
Conversion = Callable[[Column], Column]

_EXACT_MICROS = 2**32 * 1_000_000
"""Up to the year 2106 a float of seconds, which msgspec turns into an instant, tells microseconds apart."""

_RENDERED_TEXTS = 1_024


class Kind(Enum):
    """What a column holds; every kind may be null."""

    UUID = auto()
    TIME = auto()
    TEXT = auto()
    INTEGER = auto()
    FLOAT = auto()
    BOOLEAN = auto()
    RAW = auto()
    """A JSON document, as it is stored; for structs that are only encoded."""
    BYTES = auto()


class JSON:
    """A column of JSON documents of one type."""

    __slots__ = ("decoder",)

    def __init__(self, type_: Any = Any) -> None:
        self.decoder: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(list[type_ | None])


class RENDERED:
    """A column of JSON documents of one type, few of which differ, as the JSON that they are encoded to."""

    __slots__ = ("render",)

    def __init__(self, type_: Any) -> None:
        decode = msgspec.json.Decoder(type_).decode

        @lru_cache(_RENDERED_TEXTS)
        def render(text: str) -> msgspec.Raw:
            return msgspec.Raw(encode(decode(text)))

        self.render: Callable[[str], msgspec.Raw] = render


class ENUM:
    """A column of an enum's values, as text."""

    __slots__ = ("members",)

    def __init__(self, type_: type[Enum]) -> None:
        self.members: dict[Any, Enum | None] = {member.value: member for member in type_} | {None: None}


Field = Kind | JSON | RENDERED | ENUM


class Reader(Generic[Built]):
    """Builds `struct` from rows whose columns are the keys of `fields`, in that order.

    `struct` is any callable that takes the fields by keyword. Keys are the names of columns and fields alike.
    """

    __slots__ = ("_build", "_postgres", "_sqlite", "names")

    def __init__(self, struct: Callable[..., Built], fields: Mapping[str, Field]) -> None:
        self.names = tuple(fields)
        self._sqlite = tuple(_from_sqlite(kind) for kind in fields.values())
        self._postgres = tuple(_from_postgres(kind) for kind in fields.values())
        self._build = _compile(struct, self.names)

    def columns(self, table: str = "") -> str:
        """The columns for a SELECT: `id, name`, or `r.id, r.name` where `table` is `r`."""
        prefix = f"{table}." if table else ""
        return ", ".join(f"{prefix}{name}" for name in self.names)

    def all(self, rows: Sequence[Row], dialect: Dialect) -> list[Built]:
        """One struct for each row."""
        if not rows:
            return []
        conversions = self._sqlite if dialect is Dialect.SQLITE else self._postgres
        columns = zip(*rows, strict=True)
        converted = [
            column if convert is None else convert(column) for convert, column in zip(conversions, columns, strict=True)
        ]
        return self._build(zip(*converted, strict=True))

    def one(self, row: Row, dialect: Dialect) -> Built:
        """The struct of one row."""
        return self.all((row,), dialect)[0]


def _compile(struct: Callable[..., Built], names: Sequence[str]) -> Callable[[Any], list[Built]]:
    """Write out `[struct(id=a0, name=a1) for a0, a1 in rows]`, which beats building a dict for each row."""
    variables = ", ".join(f"a{index}" for index in range(len(names)))
    keywords = ", ".join(f"{name}=a{index}" for index, name in enumerate(names))
    source = f"lambda rows: [struct({keywords}) for {variables}, in rows]"
    build: Callable[[Any], list[Built]] = eval(source, {"struct": struct})
    return build


def _from_sqlite(kind: Field) -> Conversion | None:
    match kind:
        case Kind.UUID:
            return _ids
        case Kind.TIME:
            return _times
        case Kind.BOOLEAN:
            return _flags
        case _:
            return _from_postgres(kind)


def _from_postgres(kind: Field) -> Conversion | None:
    match kind:
        case JSON():
            return _documents(kind.decoder)
        case RENDERED():
            return _rendered(kind.render)
        case ENUM():
            return _members(kind.members)
        case Kind.RAW:
            return _raw
        case _:
            return None


_OPTIONAL_IDS = list[UUID | None]
_OPTIONAL_TIMES = list[datetime | None]


def _ids(column: Column) -> Column:
    return msgspec.convert(column, _OPTIONAL_IDS)


def _times(column: Column) -> Column:
    given = [micros for micros in column if micros is not None]
    if not given:
        return column
    if min(given) > -_EXACT_MICROS and max(given) < _EXACT_MICROS:
        seconds = [None if micros is None else micros / 1_000_000 for micros in column]
        return msgspec.convert(seconds, _OPTIONAL_TIMES, strict=False)
    return [None if micros is None else from_micros(micros) for micros in column]


def _flags(column: Column) -> Column:
    return [None if flag is None else flag != 0 for flag in column]


def _documents(decoder: msgspec.json.Decoder[list[Any]]) -> Conversion:
    def convert(column: Column) -> Column:
        joined = ",".join(["null" if text is None else text for text in column])
        return decoder.decode(f"[{joined}]")

    return convert


def _rendered(render: Callable[[str], msgspec.Raw]) -> Conversion:
    def convert(column: Column) -> Column:
        return [None if text is None else render(text) for text in column]

    return convert


def _raw(column: Column) -> Column:
    return [None if text is None else msgspec.Raw(text) for text in column]


def _members(members: Mapping[Any, Enum | None]) -> Conversion:
    def convert(column: Column) -> Column:
        return [members[value] for value in column]

    return convert
