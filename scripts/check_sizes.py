"""Hold the source to files that fit a reader's head: at most 400 lines each under src."""

import sys
from pathlib import Path

LIMIT = 400
ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """List what is too long; the exit code says whether anything is."""
    lengths = {path: len(path.read_text().splitlines()) for path in sorted(ROOT.glob("src/**/*.py"))}
    too_long = {path: length for path, length in lengths.items() if length > LIMIT}
    for path, length in too_long.items():
        print(f"{path.relative_to(ROOT)}: {length} lines, at most {LIMIT} are allowed; split it by meaning.")
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main())
