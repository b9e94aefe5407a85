"""The whole schema as SQL text, so that a fresh database is made in milliseconds, without SQLAlchemy.

    python -m headrace.server.store.snapshot     writes snapshots/sqlite.sql and snapshots/postgresql.sql

Run it after every change of the tables: a test fails while the files say something else than the tables do.
"""

from pathlib import Path
from typing import Any

from headrace.server.store import histories, holders, tallies
from headrace.server.store.base import Dialect
from headrace.server.store.revisions import HEAD

_FOLDER = Path(__file__).parent / "snapshots"
_SEPARATOR = ";\n\n"
VERSION_TABLE = """CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)"""


def statements(dialect: Dialect) -> list[str]:
    """The statements that make an empty database into one of the newest revision."""
    return _path(dialect).read_text("utf-8").rstrip().removesuffix(";").split(_SEPARATOR)


def render(dialect: Dialect) -> str:
    """The text of the file as it should be, made from the tables."""
    stamp = f"INSERT INTO alembic_version (version_num) VALUES ('{HEAD}')"
    return _SEPARATOR.join([VERSION_TABLE, *definitions(dialect), stamp]) + ";\n"


def definitions(dialect: Dialect) -> list[str]:
    """What makes the tables, each after those it refers to and followed by its indexes, and the triggers."""
    from sqlalchemy import create_mock_engine

    from headrace.server.store.tables import METADATA

    made: list[list[str]] = []

    def collect(element: Any, *_: Any) -> None:
        definition = _tidy(str(element.compile(dialect=engine.dialect)))
        if definition.startswith("CREATE TABLE"):
            made.append([])
        made[-1].append(definition)

    engine = create_mock_engine(f"{dialect.value}://", collect)
    for table in METADATA.sorted_tables:
        table.create(engine, checkfirst=False)
        if dialect is Dialect.POSTGRES and table.dialect_options["postgresql"]["partition_by"]:
            made.append([f"CREATE TABLE {table.name}_default PARTITION OF {table.name} DEFAULT"])
    tables = [definition for table, *indexes in made for definition in (table, *sorted(indexes))]
    return [*tables, *tallies.statements(dialect), *holders.statements(dialect), *histories.statements(dialect)]


def write() -> None:
    """Write both files."""
    for dialect in Dialect:
        _path(dialect).write_text(render(dialect), "utf-8")


def _path(dialect: Dialect) -> Path:
    return _FOLDER / f"{dialect.value}.sql"


def _tidy(definition: str) -> str:
    """The compiler's text without its trailing blanks, indented with spaces."""
    return "\n".join(line.rstrip() for line in definition.strip().expandtabs(4).splitlines())


if __name__ == "__main__":
    write()
