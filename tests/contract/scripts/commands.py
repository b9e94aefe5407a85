"""Many commands of the real command line in one process, for starting it costs seconds.

Takes a JSON list of commands, each a list of words; prints a JSON list of what each printed, and its exit code.
"""

import contextlib
import io
import json
import sys
from importlib.metadata import entry_points

(command,) = entry_points(group="console_scripts", name="prefect")
main = command.load()


def run(words: list[str]) -> dict[str, object]:
    sys.argv = ["prefect", *words]
    printed = io.StringIO()
    code: object = 0
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
    return {"code": code, "printed": printed.getvalue()}


if __name__ == "__main__":
    json.dump([run(words) for words in json.loads(sys.argv[1])], sys.stdout)
    print()
