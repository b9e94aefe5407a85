"""Times one product's SDK from inside; run as `python sdk_probe.py headrace|prefect`, prints JSON (milliseconds)."""

import importlib
import json
import logging
import statistics
import sys
import time


def milliseconds(function, repeats: int) -> float:
    """The median time of one call."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e3


def main(module_name: str) -> None:
    started = time.perf_counter()
    module = importlib.import_module(module_name)
    flow, task = module.flow, module.task
    figures = {"import": (time.perf_counter() - started) * 1e3}
    logging.disable(logging.CRITICAL)

    @task
    def nothing_task() -> None: ...

    @flow
    def nothing_flow() -> None: ...

    @flow
    def hundred_submits() -> None:
        futures = []
        figures["submit"] = milliseconds(lambda: futures.append(nothing_task.submit()), 100)
        for future in futures:
            future.result()

    @flow
    def task_calls() -> None:
        nothing_task()
        figures["task"] = milliseconds(nothing_task, 200)

    nothing_flow()
    figures["flow"] = milliseconds(nothing_flow, 15)
    task_calls()
    hundred_submits()
    print(json.dumps(figures))


main(sys.argv[1])
