"""`deploy`: make deployments whose runs the workers of a work pool execute."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from headrace.sdk.dispatch import api, dispatch
from headrace.sdk.drivers import Driver
from headrace.sdk.runner_deployment import RunnerDeployment, apply_to
from headrace.wire.deploying_errors import DeploymentError

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient


def deploy(
    *deployments: RunnerDeployment,
    work_pool_name: str | None = None,
    image: str | None = None,
    print_next_steps_message: bool = True,
) -> Any:
    """Make deployments, or change those there are; their ids, in order. In async code this is awaited.

    `image` names the container image that has the code, which is there already. All deployments are checked before
    the first is made. Raises `DeploymentError`, which names each that is not right and why.

    >>> deploy(
    ...     load.to_deployment("nightly"),
    ...     report.to_deployment("weekly", cron="0 6 * * 1"),
    ...     work_pool_name="mill",
    ... )
    """
    placed = [_placed(each, work_pool_name, image) for each in deployments]
    return dispatch(_deploy, placed, print_next_steps_message)


def deploy_one(deployment: RunnerDeployment, work_pool_name: str | None, image: str | None, tell: bool) -> Any:
    """`deploy` for a single deployment: its id, or None where the module is only loaded for a flow in it."""
    return dispatch(_deploy_one, _placed(deployment, work_pool_name, image), tell)


async def _deploy_one(driver: Driver, deployment: RunnerDeployment, tell: bool) -> UUID | None:
    return next(iter(await _deploy(driver, [deployment], tell)), None)


async def _deploy(driver: Driver, deployments: list[RunnerDeployment], tell: bool) -> list[UUID]:
    from headrace.sdk.entrypoints import is_loading

    if is_loading():
        # The module is imported for a flow in it: whoever does has no use for the deployments it would make.
        return []
    return await driver.call(_deploy_to, api(), deployments, tell)


def _deploy_to(api: SyncHeadraceClient, deployments: list[RunnerDeployment], tell: bool) -> list[UUID]:
    from headrace.sdk.deploying.checks import Pools, problems
    from headrace.sdk.deploying.telling import next_steps, outcome

    pools = Pools(api)
    wrong = [f"deployment {each.full_name}: {problem}" for each in deployments for problem in problems(each, pools)]
    if wrong:
        raise DeploymentError(f"Nothing is deployed. {'; '.join(wrong)}.")
    ids: list[UUID] = []
    for deployment in deployments:
        done = apply_to(api, deployment)
        ids.append(done.deployment.id)
        if tell:
            print(outcome(deployment.full_name, done), file=sys.stderr)
    if tell:
        names = [each.full_name for each in deployments]
        for line in next_steps(api, names, [each.work_pool_name or "" for each in deployments]):
            print(line, file=sys.stderr)
    return ids


def _placed(deployment: RunnerDeployment, pool: str | None, image: str | None) -> RunnerDeployment:
    """A deployment with where its runs go and how they get the code."""
    from headrace.sdk.sources import LocalFolder

    changes: dict[str, Any] = {"work_pool_name": pool or deployment.work_pool_name}
    if image is not None:
        changes |= {"job_variables": deployment.job_variables | {"image": image}, "path": None}
    elif deployment.source is None and deployment.pull_steps is None and deployment.path is not None:
        changes["source"] = LocalFolder(str(Path(deployment.path).absolute()))
    return msgspec.structs.replace(deployment, **changes)
