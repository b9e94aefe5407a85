"""Two flows for a mill, deployed as headrace.yaml beside this file says.

headrace work-pool create mill --type process
cd examples/deployments && headrace deploy --all
headrace worker start --pool mill
"""

from headrace import flow, get_run_logger, task


@task(retries=2)
def mill(grain: str) -> str:
    return f"{grain} flour"


@flow
def grind(grain: str = "rye", rounds: int = 2) -> list[str]:
    """Grind some grain, several times over."""
    flours = [mill(grain) for _ in range(rounds)]
    get_run_logger().info("%d sacks of %s", rounds, flours[0])
    return flours


@flow
def inspect_wheel(place: str) -> None:
    """Look after the wheel."""
    get_run_logger().info("the wheel turns at the %s", place)
