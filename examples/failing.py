"""A flow that fails, to show what is kept of a failure: the state's message, the traceback in the log, the hook.

python examples/failing.py; it ends with exit code 1.
"""

from headrace import flow, task


@task
def read_prices() -> dict[str, float | None]:
    return {"copper": 9.1, "tin": None, "zinc": 2.7}


@task(retries=1)
def mean(prices: dict[str, float | None]) -> float:
    missing = [metal for metal, price in prices.items() if price is None]
    if missing:
        raise ValueError(f"no price for {', '.join(missing)}")
    return sum(price for price in prices.values() if price) / len(prices)


def call_for_help(flow, flow_run, state) -> None:
    """A hook, called once the run has failed."""
    print(f"{flow.name} / {flow_run.name} needs a person: {state.message}")


@flow(on_failure=[call_for_help])
def price_index() -> float:
    """The mean price of metals, if all are known."""
    return mean(read_prices())


if __name__ == "__main__":
    price_index()
