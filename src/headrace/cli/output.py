"""How commands show what they found: a table for people, JSON or bare ids for programs.

On a terminal tables are drawn with rich, which is loaded only then; elsewhere they are plain aligned
columns that are never cut, so that grep and awk find whole values.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar

import msgspec
from cyclopts import Parameter

Output = Annotated[Literal["table", "json"], Parameter(name=["--output", "-o"])]
ListOutput = Annotated[Literal["table", "json", "id"], Parameter(name=["--output", "-o"])]


class Identified(Protocol):
    """Anything with an id, which is what `-o id` prints."""

    @property
    def id(self) -> object: ...


T = TypeVar("T", bound=Identified)
_UNBOUND = 10_000
"""A width in which everything fits."""


class Column(msgspec.Struct, Generic[T], frozen=True):
    """One column: its title, the text of a row's cell, and the style of that text on a terminal."""

    title: str
    cell: Callable[[T], str]
    style: Callable[[T], str] | str = ""


def show_list(
    rows: Sequence[T],
    columns: Sequence[Column[T]],
    output: Literal["table", "json", "id"],
    nothing: str = "Nothing found.",
) -> None:
    """Print rows; `nothing` goes to stderr when a table would be empty."""
    match output:
        case "json":
            show_json(rows)
        case "id":
            for row in rows:
                print(row.id)
        case "table" if not rows:
            print(nothing, file=sys.stderr)
        case "table" if sys.stdout.isatty():
            _draw(rows, columns)
        case "table":
            _align([[column.title.upper() for column in columns], *([c.cell(row) for c in columns] for row in rows)])


def show_facts(facts: Mapping[str, str | None], output: Literal["table", "json"]) -> None:
    """Print names with their values, one a line; what has no value is left out of the table."""
    if output == "json":
        show_json(facts)
        return
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        if value is not None:
            print(f"{_dim(name.ljust(width))}  {value}")


def show_json(value: Any) -> None:
    """Print a value as indented JSON."""
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def tell(message: str) -> None:
    """Say something to the person at the terminal; never part of the data, so it goes to stderr."""
    print(message, file=sys.stderr, flush=True)


def ask(question: str) -> bool:
    """Ask a yes-or-no question at the terminal; anything but y or yes is no."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _align(lines: Iterable[list[str]]) -> None:
    table = list(lines)
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _draw(rows: Sequence[T], columns: Sequence[Column[T]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.measure import Measurement
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    def cell(row: T, column: Column[T]) -> Text:
        return Text(column.cell(row), style=column.style if isinstance(column.style, str) else column.style(row))

    console = Console(highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.title, no_wrap=column.title == "ID", overflow="fold")
    for row in rows:
        table.add_row(*(cell(row, column) for column in columns))
    if Measurement.get(console, console.options.update(max_width=_UNBOUND), table).minimum <= console.width:
        console.print(table)
        return
    first, *others = columns  # too narrow for the words of a row side by side: what it has goes below its first cell
    for row in rows:
        console.print(cell(row, first))
        told = [Text.assemble((f"{one.title.lower()} ", "dim"), cell(row, one)) for one in others if one.cell(row)]
        console.print(Padding(Text(" · ").join(told), (0, 0, 0, 2)))


def _dim(text: str) -> str:
    import os

    return f"\x1b[2m{text}\x1b[0m" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else text
