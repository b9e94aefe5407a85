"""The concurrency limits of deployments: one of their own, or one that others share (contract §10)."""

from datetime import datetime
from uuid import UUID

import msgspec

from headrace.rules.facts import CollisionStrategy
from headrace.server.concurrency import service as concurrency
from headrace.server.store.base import Connection
from headrace.wire.deployments import ConcurrencyOptions, DeploymentCreate, DeploymentUpdate
from headrace.wire.errors import ObjectNotFound


class DeploymentFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules ask of a run's deployment. `grace_period_seconds` is None where the server's own counts."""

    id: UUID
    name: str
    concurrency_limit_id: UUID | None = None
    strategy: CollisionStrategy = CollisionStrategy.ENQUEUE
    grace_period_seconds: int | None = None


def facts(id: UUID, name: str, limit_id: UUID | None, options: ConcurrencyOptions | None) -> DeploymentFacts:
    """The facts of a deployment with these options."""
    if options is None:
        return DeploymentFacts(id=id, name=name, concurrency_limit_id=limit_id)
    return DeploymentFacts(
        id=id,
        name=name,
        concurrency_limit_id=limit_id,
        strategy=CollisionStrategy(options.collision_strategy.value),
        grace_period_seconds=options.grace_period_seconds,
    )


async def apply(
    transaction: Connection,
    deployment_id: UUID,
    current: UUID | None,
    body: DeploymentCreate | DeploymentUpdate,
    now: datetime,
) -> UUID | None:
    """The limit that the deployment has once the body is carried out; its own one is made, changed or deleted.

    Raises `ObjectNotFound` for a shared limit that does not exist.
    """
    if isinstance(body.global_concurrency_limit_id, UUID):
        if not await concurrency.limits_by_id(transaction, [body.global_concurrency_limit_id], now):
            raise ObjectNotFound("Concurrency limit not found")
        return body.global_concurrency_limit_id
    if body.concurrency_limit is not msgspec.UNSET:
        return await concurrency.set_deployment_limit(transaction, deployment_id, body.concurrency_limit, now)
    return None if body.global_concurrency_limit_id is None else current
