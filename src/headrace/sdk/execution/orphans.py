"""What a run's process does so that it goes on when whoever started it is killed.

Its output goes into a pipe. The process holds that pipe's reading end too, so that writing never fails; once the
lifeline says that nobody reads any more, a thread reads instead, so that writing never blocks either.
"""

import contextlib
import os
import threading

OUTPUT_END, LIFELINE = "HEADRACE__OUTPUT_END", "HEADRACE__LIFELINE"
"""The file descriptors, in the process, of the reading end of its output and of the lifeline."""


def outlive_starter() -> None:
    """Begin to watch the lifeline, if this process was given one."""
    output, lifeline = os.environ.pop(OUTPUT_END, None), os.environ.pop(LIFELINE, None)
    if output is None or lifeline is None:
        return
    ends = int(output), int(lifeline)
    for end in ends:
        # What the flow starts inherits the output itself, but must not keep it readable.
        os.set_inheritable(end, False)
    threading.Thread(target=_watch, args=ends, name="headrace-lifeline", daemon=True).start()


def _watch(output: int, lifeline: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(lifeline, 1):
            pass
        while os.read(output, 65536):
            pass
