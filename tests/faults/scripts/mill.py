"""Tasks for faults: each writes down that it is executed, and a worker can be made to die at one step of the first.

`python mill.py serve [STEP]` serves them; `python mill.py delay HOW_MANY [RETRIES]` delays them and prints their ids.
"""

import os
import signal
import sys
from pathlib import Path

from headrace import task
from headrace.sdk.background.execution import BackgroundRun
from headrace.sdk.background.executions import Execution
from headrace.task_worker import serve

BOOK = Path(os.environ["MILL_BOOK"])
DYING_AT = ""


def die_at(step: str) -> None:
    if step == DYING_AT:
        os.kill(os.getpid(), signal.SIGKILL)


@task
def grind(sack: int) -> int:
    with BOOK.open("a") as book:  # one short write at the end of a file is never torn
        book.write(f"{sack}\n")
    die_at("executing")
    return sack


class Doomed(Execution):
    """Dies on the way from the delivery to the record of the end."""

    def run_to_end(self, lease_seconds: float) -> None:
        die_at("delivered")
        super().run_to_end(lease_seconds)


class DoomedRun(BackgroundRun):
    async def _resolve(self, driver):
        die_at("begun")
        return await super()._resolve(driver)

    def settle(self) -> None:
        die_at("executed")
        super().settle()
        die_at("recorded")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        if len(sys.argv) > 2:
            from headrace.sdk.background import executions, worker

            DYING_AT = sys.argv[2]
            worker.Execution, executions.BackgroundRun = Doomed, DoomedRun
        serve(grind)
    else:
        delayed = grind.with_options(retries=int(sys.argv[3])) if len(sys.argv) > 3 else grind
        for number in range(int(sys.argv[2])):
            print(delayed.delay(number).task_run_id, flush=True)
