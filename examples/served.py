"""A flow that runs every minute for as long as this process serves it, and whenever somebody asks for it.

headrace server start          # in one terminal
python examples/served.py      # in another
"""

from datetime import UTC, datetime

from headrace import flow, task


@task(retries=2)
def measure(gauge: str) -> float:
    """What a gauge shows, in metres."""
    return round(1.5 + (datetime.now(UTC).minute % 10) / 20 + len(gauge) / 100, 2)


@flow(log_prints=True)
def water_level(gauge: str = "weir", warn_above: float = 1.9) -> float:
    """The level at a gauge."""
    level = measure(gauge)
    print(f"{gauge}: {level} m" + (", high water!" if level > warn_above else ""))
    return level


if __name__ == "__main__":
    water_level.serve("every-minute", interval=60, parameters={"gauge": "weir"})
