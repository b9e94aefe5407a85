"""A flow that calls another flow once for every region; each call is a run of its own, linked to its parent.

python examples/subflow.py
"""

from headrace import flow, get_run_logger, task


@task
def orders_of(region: str) -> list[int]:
    return [len(region) * amount for amount in (12, 30, 7)]


@flow(flow_run_name="total-{region}")
def regional_total(region: str) -> int:
    """The sum of a region's orders."""
    total = sum(orders_of(region))
    get_run_logger().info("%s ordered for %d", region, total)
    return total


@flow
def sales_report(regions: tuple[str, ...] = ("north", "south", "west")) -> dict[str, int]:
    """One total for each region."""
    totals = {region: regional_total(region) for region in regions}
    get_run_logger().info("best region: %s", max(totals, key=lambda region: totals[region]))
    return totals


if __name__ == "__main__":
    sales_report()
