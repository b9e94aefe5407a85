"""The slots of its deployment's limit that a flow run takes, holds and gives back, in the transaction of its state."""

from uuid import UUID

from headrace.rules.effects import AcquireSlot, KeepLease, ReleaseSlot, RenewLease
from headrace.rules.facts import DeploymentSlots, Facts, Needs
from headrace.server.concurrency import service as concurrency
from headrace.server.deployments import service as deployments
from headrace.server.flow_runs import overlaps
from headrace.server.flow_runs.queries import Orchestrated
from headrace.server.states.proposals import Asker
from headrace.server.store.base import Connection

SlotEffect = AcquireSlot | RenewLease | KeepLease | ReleaseSlot


async def look_up(transaction: Connection, run: Orchestrated, wanted: Needs, asker: Asker) -> Facts:
    """What the rules ask for; the limit and the lease stay as they are until the transaction ends."""
    deployment, alive = None, False
    if Needs.DEPLOYMENT in wanted and run.deployment_id is not None:
        deployment = await _deployment(transaction, run.deployment_id, asker)
    lease_id = None if run.state is None else run.state.state_details.deployment_concurrency_lease_id
    if Needs.LEASE in wanted and lease_id is not None:
        alive = await concurrency.lease_holds(transaction, lease_id)
    overlap = await overlaps.look_up(transaction, run) if Needs.OVERLAP in wanted else None
    return Facts(deployment=deployment, lease_alive=alive, overlap=overlap)


async def carry_out(transaction: Connection, run_id: UUID, effect: SlotEffect) -> None:
    """Do to a limit and its leases what the state that is written asks for."""
    match effect:
        case AcquireSlot(limit_id=limit_id, lease_id=lease_id, lease_seconds=seconds):
            await concurrency.hold_slot(transaction, limit_id, lease_id, seconds, run_id)
        case RenewLease(lease_id=lease_id, lease_seconds=seconds):
            await concurrency.extend_lease(transaction, lease_id, seconds)
        case KeepLease(lease_id=lease_id):
            await concurrency.keep_lease(transaction, lease_id)
        case ReleaseSlot(lease_id=lease_id):
            await concurrency.end_lease(transaction, lease_id)


async def _deployment(transaction: Connection, id: UUID, asker: Asker) -> DeploymentSlots | None:
    facts = await deployments.deployment_facts(transaction, id)
    if facts is None:
        return None
    usage = await concurrency.lock_limit(transaction, facts.concurrency_limit_id)
    if usage is None:
        return DeploymentSlots()
    settings = asker.concurrency
    return DeploymentSlots(
        limit_id=usage.limit.id,
        limit=usage.limit.slot_limit,
        active_slots=usage.active,
        strategy=facts.strategy,
        lease_seconds=facts.grace_period_seconds or settings.initial_deployment_lease_duration,
        wait_seconds=settings.maximum_concurrency_slot_wait_seconds,
    )
