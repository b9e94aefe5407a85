"""The differences that are meant, each with its reason: the table of docs/conformance.md."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from scripts.conformance.differences import Difference

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
_COLUMNS = ("operation", "part", "peer", "headrace", "reason")


@dataclass(frozen=True)
class Reason:
    """One row: four patterns, in which `*` stands for anything, and why what they match is so."""

    operation: str
    part: str
    peer: str
    ours: str
    why: str

    def covers(self, difference: Difference) -> bool:
        """Whether the row is about this difference."""
        given = (difference.operation, difference.part, difference.peer, difference.ours)
        patterns = (self.operation, self.part, self.peer, self.ours)
        return all(fnmatchcase(text, _literal(pattern)) for text, pattern in zip(given, patterns, strict=True))


def read_reasons(text: str) -> list[Reason]:
    """The rows of every table with the right columns; a row without a reason is a mistake in the page."""
    reasons: list[Reason] = []
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        cells = tuple(cell.strip().strip("`") for cell in line.strip().strip("|").split("|"))
        if not line.startswith("|"):
            inside = False
        elif cells == _COLUMNS:
            inside = True
        elif inside and not set("".join(cells)) <= set("-: "):
            if len(cells) != len(_COLUMNS) or not all(cells):
                raise ValueError(f"Line {number} of the page needs {len(_COLUMNS)} cells, none of them empty: {line}")
            reasons.append(Reason(*cells))
    return reasons


def reason_for(difference: Difference, reasons: Iterable[Reason]) -> Reason | None:
    """The first row that is about the difference."""
    return next((reason for reason in reasons if reason.covers(difference)), None)


def _literal(pattern: str) -> str:
    """The pattern with nothing special but `*`: places inside arrays are written with brackets."""
    return pattern.replace("[", "[[]")
