"""`serve`: make deployments of flows and execute their runs here, until the process is stopped."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from headrace.sdk import entrypoints
from headrace.sdk.drivers import loop_is_running
from headrace.sdk.serving.message import starting_message
from headrace.sdk.serving.runner import Runner
from headrace.wire.errors import DefinitionError, RunError

if TYPE_CHECKING:
    from headrace.sdk.runner_deployment import RunnerDeployment


def serve(
    *args: RunnerDeployment,
    pause_on_shutdown: bool = True,
    print_starting_message: bool = True,
    limit: int | None = None,
    webserver: bool = False,
) -> None:
    """Serve deployments, made by `flow.to_deployment`, and block until the process is stopped.

    At most `limit` of their runs are executed at once. With `webserver` the process answers how it is over HTTP (see
    `sdk.execution.health`). Ctrl-C or SIGTERM: nothing more is begun, the deployments are
    paused, and what is under way is waited for; the second time it is cancelled. Raises `ServerNeeded`.

    >>> if __name__ == "__main__":
    ...     serve(etl.to_deployment("nightly", cron="0 3 * * *"), report.to_deployment("hourly", interval=3600))
    """
    if loop_is_running():
        raise RunError("`serve` blocks, and an event loop runs here: await `aserve` instead.")
    if not _is_wanted(args):
        return
    asyncio.run(
        aserve(
            *args,
            pause_on_shutdown=pause_on_shutdown,
            print_starting_message=print_starting_message,
            limit=limit,
            webserver=webserver,
        )
    )


async def aserve(
    *args: RunnerDeployment,
    pause_on_shutdown: bool = True,
    print_starting_message: bool = True,
    limit: int | None = None,
    webserver: bool = False,
) -> None:
    """`serve`, awaited."""
    if not _is_wanted(args):
        return
    runner = Runner(pause_on_shutdown=pause_on_shutdown, limit=limit, webserver=webserver)
    for deployment in args:
        runner.add_deployment(deployment)
    await runner.start(started=lambda url: print_starting_message and print(starting_message(args, url), flush=True))


def _is_wanted(deployments: tuple[Any, ...]) -> bool:
    """Whether to serve here. A run's process, which imports the file to find its flow, must not serve it again."""
    if not deployments:
        raise DefinitionError("There is nothing to serve: give at least one deployment, from `flow.to_deployment(…)`.")
    return not entrypoints.is_loading()
