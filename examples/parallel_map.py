"""Fetch readings from many stations at once; some answer only when they are asked again.

python examples/parallel_map.py
"""

import time

from headrace import flow, get_run_logger, task
from headrace.runtime import task_run

STATIONS = ["Aare", "Inn", "Limmat", "Reuss", "Rhine", "Rhone", "Thur", "Ticino"]


@task(retries=2, retry_delay_seconds=0.2, tags=["sensors"])
def fetch(station: str) -> float:
    """The level of the water at a station, in metres. Every third station is slow to wake up."""
    time.sleep(0.1)
    if STATIONS.index(station) % 3 == 0 and task_run.run_count == 1:
        raise ConnectionError(f"{station} does not answer")
    return 1 + len(station) / 10


@task
def highest(levels: list[float]) -> float:
    return max(levels)


@flow(log_prints=True)
def water_levels(stations: list[str] = STATIONS) -> float:
    """Ask all stations in parallel and find the highest water."""
    logger = get_run_logger()
    logger.info("asking %d stations", len(stations))
    peak = highest(fetch.map(stations).result())
    print(f"the highest water is at {peak:.2f} m")
    return peak


if __name__ == "__main__":
    water_levels()
