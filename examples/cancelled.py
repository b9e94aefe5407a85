"""A flow that would fill a basin for hours, in a subflow: something to cancel.

headrace work-pool create mill --type process
headrace deploy examples/cancelled.py:fill_basin --name by-hand --pool mill
headrace worker start --pool mill
headrace deployment run fill-basin/by-hand
headrace flow-run cancel RUN_ID
"""

import time

from headrace import flow, get_run_logger, task


@task
def fill(centimetre: int) -> None:
    time.sleep(0.5)
    get_run_logger().debug("%d cm", centimetre)


@flow
def open_sluice(depth_metres: int) -> None:
    """Fill centimetre by centimetre."""
    for centimetre in range(depth_metres * 100):
        fill(centimetre)


@flow
def fill_basin(depth_metres: int = 300) -> None:
    """Fill the basin; it takes hours."""
    open_sluice(depth_metres)


if __name__ == "__main__":
    fill_basin()
