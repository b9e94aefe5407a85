"""What the tables are made of: column types that both databases have, columns that recur, indexes."""

from typing import Any

from sqlalchemy import (
    JSON,
    REAL,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    false,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID
from sqlalchemy.types import TypeEngine

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

Id = UUID(as_uuid=True).with_variant(Text(), "sqlite")
Time = TIMESTAMP(timezone=True).with_variant(Integer(), "sqlite")
Document = JSONB().with_variant(Text(), "sqlite")
OrderedDocument = JSON().with_variant(Text(), "sqlite")
"""A document that keeps the order of its keys, such as a schema from which a form is drawn."""
Flag = Boolean().with_variant(Integer(), "sqlite")
Key = Text(collation="C").with_variant(Text(), "sqlite")
"""A text that is compared byte by byte, so that an index finds what begins with a prefix too."""
Number = BigInteger().with_variant(Integer(), "sqlite")
"""A whole number that may outgrow 32 bits."""
Seconds: TypeEngine[float] = Double[float]().with_variant(REAL(), "sqlite")


def table(
    name: str,
    *columns: Column[Any],
    clustered: bool = False,
    numbered: bool = False,
    partitioned_by: str | None = None,
) -> Table:
    """A table; `clustered` keeps its rows in the primary key's own tree in SQLite, one tree less to write.

    One that is `numbered` by `sequence` never gives a number twice, not even that of a row that is gone. One that is
    partitioned, by a time, is so in PostgreSQL: the snapshot gives it a default partition, a service those to come.
    """
    return Table(
        name,
        METADATA,
        *columns,
        sqlite_strict=True,
        sqlite_with_rowid=not clustered,
        sqlite_autoincrement=numbered,
        postgresql_partition_by=None if partitioned_by is None else f"RANGE ({partitioned_by})",
    )


def primary_id() -> Column[Any]:
    return Column("id", Id, primary_key=True)


def sequence() -> Column[Any]:
    """The place of a row in a log: each new one is above those before it (see events/reading.py)."""
    return Column("seq", Number, Identity(), primary_key=True)


def reference(name: str) -> Column[Any]:
    """The id of something that may not be stored (yet, or any more)."""
    return Column(name, Id)


def child_of(table: str, *, column: str | None = None, nullable: bool = False) -> Column[Any]:
    """The id of the row this one belongs to and goes away with."""
    own = column or f"{table[:-1]}_id"
    return Column(own, Id, ForeignKey(f"{table}.id", ondelete="CASCADE"), nullable=nullable)


def stamps() -> tuple[Column[Any], Column[Any]]:
    return Column("created", Time, nullable=False), Column("updated", Time, nullable=False)


def required_text(name: str) -> Column[Any]:
    return Column(name, Text, nullable=False)


def optional_text(name: str) -> Column[Any]:
    return Column(name, Text)


def time(name: str) -> Column[Any]:
    return Column(name, Time)


def trash_marks() -> tuple[Column[Any], Column[Any]]:
    """Since when a row is deleted, and by which operation; both or none, and none in what is shown."""
    return Column("deleted_at", Time), Column("deleted_by", Id)


def trash_index(table: Table) -> None:
    """What has been deleted, in the order in which it was."""
    partial_index(f"ix_{table.name}_deleted_at", table.c.deleted_at, table.c.id, where="deleted_at IS NOT NULL")


def count(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


def total(name: str) -> Column[Any]:
    return Column(name, Number, nullable=False, server_default=text("0"))


def bound(name: str) -> Column[Any]:
    """A number, or none for "without bound" or "by default"."""
    return Column(name, Integer)


def seconds(name: str, default: str) -> Column[Any]:
    return Column(name, Seconds, nullable=False, server_default=text(default))


def flag(name: str, *, default: bool) -> Column[Any]:
    return Column(name, Flag, nullable=False, server_default=true() if default else false())


def document(name: str, empty: str) -> Column[Any]:
    return Column(name, Document, nullable=False, server_default=text(f"'{empty}'"))


def optional_document(name: str) -> Column[Any]:
    return Column(name, Document)


def live_index(name: str, *columns: Any, where: str | None = None, unique: bool = False) -> None:
    """An index over live rows, or over those of them that `where` keeps."""
    condition = text("deleted_at IS NULL" if where is None else f"{where} AND deleted_at IS NULL")
    Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def full_index(name: str, *columns: Any, unique: bool = False) -> None:
    """An index over every row, deleted ones too."""
    Index(name, *columns, unique=unique)


def partial_index(name: str, *columns: Any, where: str) -> None:
    """An index over the rows that `where` keeps, of a table whose rows are never marked as deleted."""
    Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


def tags_index(table: Table) -> None:
    """Tags are searched by a GIN index in PostgreSQL; SQLite looks into the rows that other filters leave."""
    condition = text("deleted_at IS NULL")
    index = Index(f"ix_{table.name}_tags", table.c.tags, postgresql_using="gin", postgresql_where=condition)
    index.ddl_if("postgresql")
