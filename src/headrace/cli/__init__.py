"""The `headrace` command: one file a noun, loaded when its command is used."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command that the process's arguments name, and end the process."""
    arguments = sys.argv[1:]
    if arguments in ([], ["--help"], ["-h"]):
        from headrace.cli.overview import overview

        print(overview())
        sys.exit(0)
    from headrace.cli.app import run

    sys.exit(run(arguments))
