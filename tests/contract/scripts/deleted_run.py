"""A flow of the real client that goes on writing for some seconds, whatever becomes of it: `deleted_run.py SECONDS`.

It prints the id of its run once it has begun. Run in the peer's environment, with PREFECT_API_URL at the server under
test. Log lines, task runs and artifacts are written all the time, so that some are on their way whenever it is deleted.
"""

import sys
import time

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.runtime import flow_run


@task
def grind(number: int) -> int:
    get_run_logger().info("ground %s", number)
    return number


@flow
def mill(seconds: float) -> int:
    end, number = time.monotonic() + seconds, 0
    progress = create_progress_artifact(0.0, key="progress")
    print(flow_run.get_id(), flush=True)
    while time.monotonic() < end:
        number += 1
        get_run_logger().info("grinding %s", number)
        grind.submit(number).result()
        create_markdown_artifact(f"# {number}", key="flour")
        update_progress_artifact(progress, min(100.0, float(number)))
        time.sleep(0.05)
    return number


if __name__ == "__main__":
    mill(float(sys.argv[1]))
