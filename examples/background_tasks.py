"""Pictures are resized in the background, by a worker that could as well be on another machine.

headrace server start --background
python examples/background_tasks.py serve    # in one terminal
python examples/background_tasks.py          # in another
"""

import sys
import time

from headrace import task
from headrace.task_worker import serve


@task(retries=2, log_prints=True)
def resize(picture: str, width: int = 800) -> str:
    print(f"resizing {picture}")
    time.sleep(0.5)
    return f"{picture.removesuffix('.png')}-{width}.png"


@task
async def announce(pictures: list[str]) -> str:
    """Its argument is not there yet when it is delayed: the worker waits for the others."""
    return f"new pictures: {', '.join(pictures)}"


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve(resize, announce, limit=4)
    else:
        resized = [resize.delay(name, width=400) for name in ("lake.png", "hill.png", "mill.png")]
        print(announce.delay(resized).result(timeout=60))
