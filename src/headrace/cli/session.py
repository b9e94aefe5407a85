"""What the commands about runs share: the client, naming a run, and doing one thing to many of them."""

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

from cyclopts import Parameter

from headrace.cli.display import one_line
from headrace.cli.errors import CommandFailed, UsageError
from headrace.cli.output import tell
from headrace.wire.errors import HeadraceError, ObjectNotFound

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient

Key = TypeVar("Key", UUID, str)
Stdin = Annotated[bool, Parameter(negative="", help="Read ids from standard input too, one a line.")]
Yes = Annotated[bool, Parameter(name=["--yes", "-y"], help="Do not ask first.")]


@contextmanager
def client() -> "Generator[SyncHeadraceClient, None, None]":
    """The API that the settings name, or this machine's own recording."""
    from headrace.client.orchestration import get_client

    with get_client(sync_client=True) as connected:
        yield connected


def parse_id(text: str, noun: str) -> UUID:
    """The id in a text. Raises `UsageError` that names the noun."""
    try:
        return UUID(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is not the id of a {noun}; headrace {noun.replace(' ', '-')} ls shows ids."
        ) from None


def operation_id(text: str) -> UUID:
    """The id of an operation in a text. Raises `UsageError`."""
    try:
        return UUID(text)
    except ValueError:
        raise UsageError(f"{text!r} is not the id of an operation; headrace op ls shows ids.") from None


def gather_ids(given: Sequence[str], stdin: bool, noun: str) -> list[UUID]:
    """The ids named on the command line and, if asked for, on standard input; each once, in order."""
    found = gather_some_ids(given, stdin, noun)
    if not found:
        raise UsageError(f"No {noun} named: give ids, or pipe them in with --stdin.")
    return found


def gather_some_ids(given: Sequence[str], stdin: bool, noun: str) -> list[UUID]:
    """As `gather_ids`, for commands that may be told otherwise what is meant: there may be none."""
    return list(dict.fromkeys(parse_id(text, noun) for text in [*given, *piped(stdin)]))


def piped(stdin: bool) -> list[str]:
    """What came on standard input, if it is to be read: the first word of each line."""
    return [line.split()[0] for line in sys.stdin if line.strip()] if stdin else []


def for_each(ids: Sequence[Key], noun: str, action: Callable[[Key], str]) -> None:
    """Do something to each, named by an id or a name; say what came of it, go on past failures, and fail at the end.

    Raises the failure itself where there was only one thing to do, otherwise `CommandFailed` with the count.
    """
    failures = 0
    for id in ids:
        try:
            done = action(id)
        except HeadraceError as error:
            failure = named(error, id, noun)
            if len(ids) == 1:
                raise failure from error
            failures += 1
            tell(f"headrace: {one_line(failure)}")
        else:
            tell(f"{noun.capitalize()} {id} {done}.")
    if failures:
        raise CommandFailed(f"{failures} of {len(ids)} {noun}s failed; the lines above say why.")


def named(error: HeadraceError, id: UUID | str, noun: str) -> HeadraceError:
    """The error, naming what was asked for where the server's answer does not."""
    if isinstance(error, ObjectNotFound):
        return CommandFailed(f"There is no {noun} {id}; {_command(noun)} ls shows those there are.")
    return error


def _command(noun: str) -> str:
    return f"headrace {noun.replace(' ', '-')}"
