"""`python -m headrace.server`: serve with the settings of the environment and the profile."""

import sys

from headrace.settings import load
from headrace.wire.errors import HeadraceError


def main() -> int:
    """Serve until told to stop; 1 and one line on standard error if the server cannot start."""
    try:
        from headrace.server.process import serve

        serve(load(), lambda started: print(f"headrace serves {started.url}", flush=True))
    except HeadraceError as error:
        print(f"headrace: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
