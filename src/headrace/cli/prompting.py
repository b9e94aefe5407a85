"""Questions to who is at the terminal; where nobody is, nothing is asked."""

import sys
from collections.abc import Sequence

from headrace.cli.errors import CommandFailed
from headrace.cli.output import tell


def someone_is_there() -> bool:
    """Whether questions reach a person, and answers come back."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_text(question: str, default: str | None = None) -> str:
    """An answer, or the default for an empty one. Raises `CommandFailed` when there is neither."""
    sys.stderr.write(f"{question} [{default}]: " if default else f"{question}: ")
    sys.stderr.flush()
    answer = sys.stdin.readline().strip() or default
    if not answer:
        raise CommandFailed("Nothing was answered, so nothing is done.")
    return answer


def choose(question: str, options: Sequence[str]) -> str:
    """One of several, by its number or as it is written. Raises `CommandFailed` for anything else."""
    for number, option in enumerate(options, 1):
        tell(f"  {number}. {option}")
    answer = ask_text(question)
    if answer.isdecimal() and 1 <= int(answer) <= len(options):
        return options[int(answer) - 1]
    if answer in options:
        return answer
    raise CommandFailed(f"{answer} is none of them, so nothing is done.")
