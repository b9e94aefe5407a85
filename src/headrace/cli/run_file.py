"""Run one file's flows: `python -m headrace.cli.run_file FILE`, which `headrace dev` starts afresh each time."""

import ast
import asyncio
import inspect
import runpy
import sys
from pathlib import Path
from typing import Any

from headrace.wire.errors import RunError


def main(file: Path) -> int:
    """Run it as a script if it is one, otherwise call its flows; 1 if a flow failed."""
    sys.path.insert(0, str(file.parent))
    sys.argv = [str(file)]
    if runs_itself(file.read_text()):
        runpy.run_path(str(file), run_name="__main__")
        return 0
    return call_flows(runpy.run_path(str(file), run_name=file.stem), file)


def runs_itself(source: str) -> bool:
    """Whether a module compares `__name__` with `"__main__"` at its top level."""
    return any(
        isinstance(part, ast.Name) and part.id == "__name__"
        for statement in ast.parse(source).body
        if isinstance(statement, ast.If)
        for part in ast.walk(statement.test)
    )


def call_flows(names: dict[str, Any], file: Path) -> int:
    """Call each flow that the file defines and that needs no parameters; say which it leaves out."""
    from headrace.sdk.flow import Flow

    flows: list[Any] = [value for value in names.values() if isinstance(value, Flow)]
    own = [flow for flow in dict.fromkeys(flows) if flow.fn.__module__ == file.stem]
    if not own:
        print(f"headrace: {file.name} defines no flow: decorate a function with @flow.", file=sys.stderr)
        return 1
    return max(_call(flow) for flow in own)


def _call(flow: Any) -> int:
    needed = [
        parameter.name
        for parameter in inspect.signature(flow.fn).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if needed:
        print(
            f"headrace: the flow {flow.name!r} needs {', '.join(needed)}; "
            'call it under if __name__ == "__main__": to run it.',
            file=sys.stderr,
        )
        return 0
    try:
        result = flow()
        if inspect.iscoroutine(result):
            asyncio.run(result)
    except RunError as error:
        print(f"headrace: {error}", file=sys.stderr)
        return 1
    except Exception:
        # The flow's own log has the traceback already.
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
