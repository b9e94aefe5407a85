"""The tree of commands, and the frame every command runs in: the profile, errors and exit codes.

Exit codes: 0 done, 1 failed, 2 called wrongly, 130 interrupted. Each failure is one line on stderr;
with HEADRACE_DEBUG set, its traceback too.
"""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

from headrace.cli.errors import DEBUG, UsageError
from headrace.cli.overview import ALIASES, COMMANDS, INTRODUCTION
from headrace.wire.errors import HeadraceError

FAILED, USAGE, INTERRUPTED = 1, 2, 130


def build() -> App:
    """The whole tree; the module of a command is loaded when the command is used."""
    app = App(
        name="headrace",
        help=INTRODUCTION,
        help_format="plaintext",
        version=_version,
        print_error=False,
        exit_on_error=False,
        result_action="return_value",
        default_parameter=Parameter(negative="", show_default=False),
    )
    app["--help"].group = app["--version"].group = "Options"
    for name, (place, summary) in COMMANDS.items():
        app.command(f"headrace.cli.{place}", name=name, help=summary)

    @app.meta.default
    def launch(  # pyright: ignore[reportUnusedFunction] - the decorator keeps it
        *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        profile: Annotated[
            str | None, Parameter(group="Options", help="Take settings from this profile instead of the active one.")
        ] = None,
    ) -> None:
        if profile is not None:
            os.environ["HEADRACE_PROFILE"] = profile
        app(tokens)

    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code."""
    try:
        build().meta(_unaliased(arguments))
    except UnusedCliTokensError as error:
        return _fail(error, USAGE, _too_much(error))
    except (CycloptsError, UsageError) as error:
        return _fail(error, USAGE, str(error))
    except HeadraceError as error:
        return _fail(error, FAILED, str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone, as `| head` does; point stdout elsewhere so that closing it is quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        kind = type(error).__name__
        return _fail(error, FAILED, f"unexpected {kind}: {error} ({DEBUG}=1 shows where)")
    return 0


def _unaliased(arguments: Sequence[str]) -> list[str]:
    """The arguments with the command under its own name; the profile may be named before it."""
    words = list(arguments)
    place = 2 if words[:1] == ["--profile"] else 1 if words and words[0].startswith("--profile=") else 0
    words[place : place + 1] = [ALIASES.get(word, word) for word in words[place : place + 1]]
    return words


def _too_much(error: UnusedCliTokensError) -> str:
    """What was said beyond what the command takes, and how to find out what it does take."""
    words = ", ".join(map(repr, error.unused_tokens or ()))
    command = " ".join(["headrace", *(error.command_chain or ())])
    return f"{words} is more than {command} takes; {command} --help shows what it takes."


def _fail(error: BaseException, code: int, message: str) -> int:
    if os.environ.get(DEBUG):
        import traceback

        traceback.print_exception(error)
    line = " ".join(message.split())
    print(f"headrace: {line}", file=sys.stderr)
    return code


def _version() -> str:
    from headrace.cli.version import installed

    return installed()
