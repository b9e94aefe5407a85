"""Write the synchronous client from the asynchronous one.

    python scripts/unasync.py            # write src/headrace/client/_sync
    python scripts/unasync.py --check    # fail if it is not what would be written

Each file of `_async` gives one of `_sync`, by replacing words.
"""

import re
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "headrace" / "client" / "_async"
TARGET = SOURCE.with_name("_sync")
NOTICE = "# Generated from {source} by scripts/unasync.py; change that file, not this one.\n"
WORDS = [
    (r"\basync def\b", "def"),
    (r"\basync (for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\b__aenter__\b", "__enter__"),
    (r"\b__aexit__\b", "__exit__"),
    (r"\bsend_async\b", "send"),
    (r"\bclient\._async\b", "client._sync"),
    (r"\b(Headrace|Recording)Client\b", r"Sync\1Client"),
    (r"\bAsyncIterator\b", "Iterator"),
    (r"The typed client, written by hand; `_sync` is generated from it by scripts/unasync\.py\.", "The typed client."),
]


def translated(path: Path) -> str:
    """The synchronous form of one file, formatted."""
    text = path.read_text(encoding="utf-8")
    for pattern, replacement in WORDS:
        text = re.sub(pattern, replacement, text)
    text = NOTICE.format(source=f"_async/{path.name}") + text
    for command in (["check", "--quiet", "--fix-only", "--select", "I"], ["format", "--quiet"]):
        name = str(TARGET / path.name)
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", name, "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout
    return text


def main() -> int:
    """Write or check every file; 1 if a check finds a difference."""
    wanted = {path.name: translated(path) for path in sorted(SOURCE.glob("*.py"))}
    present = {path.name: path.read_text(encoding="utf-8") for path in TARGET.glob("*.py")}
    if "--check" in sys.argv[1:]:
        stale = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
        for name in stale:
            print(f"{TARGET / name} is not what {SOURCE / name} gives: run python scripts/unasync.py")
        return 1 if stale else 0
    TARGET.mkdir(exist_ok=True)
    for name in present.keys() - wanted.keys():
        (TARGET / name).unlink()
    for name, text in wanted.items():
        (TARGET / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
