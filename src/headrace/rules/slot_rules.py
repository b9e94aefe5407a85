"""How a deployment's concurrency limit holds its runs back (contract §4.3, rules 1, 7–9 and 17).

A run that is picked up takes one slot of its deployment's limit, under a lease whose id its states carry
on. While it runs, its client renews the lease; a lease that runs out frees its slot, so that a run whose
process died does not block the others. A run holds a slot if and only if its current state names a lease
that still holds: one that never took a slot frees none when it ends.
"""

import re

from headrace.rules.common_rules import current_state, later, with_details
from headrace.rules.effects import AcquireSlot, KeepLease, ReleaseSlot, RenewLease
from headrace.rules.facts import CollisionStrategy, DeploymentSlots, Facts
from headrace.rules.runs import OrchestratedFlowRun
from headrace.rules.transitions import Abort, Amend, Divert, Proposal, Verdict
from headrace.wire.states import StateDetails, StateType

FlowRunProposal = Proposal[OrchestratedFlowRun]

_HOLDING = frozenset({StateType.PENDING, StateType.RUNNING, StateType.CANCELLING})
_RENEWS_LEASES = (3, 4, 11)
"""The first client release that renews its lease while it runs."""
_TAKES_NO_SLOT = frozenset({"3.0.0rc20", "3.0.0", "3.0.1", "3.0.2", "3.0.3"})
"""Client releases that count against the limit themselves."""
_RELEASE = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_LIMIT_REACHED = "Deployment concurrency limit reached."


def preserve_lease(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """The lease under which a run holds its slot goes from state to state."""
    lease_id = current_state(proposal).state_details.deployment_concurrency_lease_id
    if lease_id is None or proposal.state.state_details.deployment_concurrency_lease_id is not None:
        return None
    return Amend(state=with_details(proposal.state, deployment_concurrency_lease_id=lease_id))


def has_deployment(proposal: FlowRunProposal) -> bool:
    return proposal.run.deployment_id is not None


def takes_slot(proposal: FlowRunProposal) -> bool:
    """Whether the server secures a slot for the run."""
    return has_deployment(proposal) and proposal.client_version not in _TAKES_NO_SLOT


def under_lease(proposal: FlowRunProposal) -> bool:
    """Whether the run was given a slot."""
    return current_state(proposal).state_details.deployment_concurrency_lease_id is not None


def renews_lease(proposal: FlowRunProposal) -> bool:
    """Whether the run was given a slot, and its client keeps the lease alive."""
    return has_deployment(proposal) and under_lease(proposal) and _client_renews(proposal.client_version)


def cannot_renew_lease(proposal: FlowRunProposal) -> bool:
    """Whether the run was given a slot, and its client would let the lease run out while it runs."""
    return under_lease(proposal) and not _client_renews(proposal.client_version)


def secure_slot(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """A run is picked up if its deployment has a slot for it; if not, it waits in line or is cancelled."""
    deployment = facts.deployment
    if deployment is None:
        return Abort("Deployment not found.")
    if deployment.limit == 0:
        return Abort("The deployment concurrency limit is 0. The flow will deadlock if submitted again.")
    if deployment.limit is None:
        return None
    return _no_slot(proposal, deployment) if deployment.full else _take_slot(proposal, deployment)


def validate_lease(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """A run starts with a fresh lease; one that lost its slot while it was prepared takes another or is cancelled."""
    deployment = facts.deployment
    if deployment is None or deployment.limit is None:
        return None
    if facts.lease_alive:
        lease_id = current_state(proposal).state_details.deployment_concurrency_lease_id
        assert lease_id is not None
        return Amend(effects=(RenewLease(lease_id, deployment.lease_seconds),))
    if not deployment.full:
        return _take_slot(proposal, deployment)
    return Divert(
        reason="Deployment concurrency limit reached after lease expiry.",
        state=proposal.instead(
            StateType.CANCELLED,
            message="Deployment concurrency slot lost during provisioning - no slots available to continue execution",
        ),
    )


def keep_lease(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """A client that does not know how to renew a lease holds its slot until the run ends."""
    lease_id = current_state(proposal).state_details.deployment_concurrency_lease_id
    assert lease_id is not None
    return Amend(effects=(KeepLease(lease_id),))


def release_slot(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """A run that is neither about to run, running nor being stopped holds no slot."""
    if proposal.state.type in _HOLDING:
        return None
    lease_id = current_state(proposal).state_details.deployment_concurrency_lease_id
    assert lease_id is not None
    return Amend(effects=(ReleaseSlot(lease_id),))


def cancel_new_when_late(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """Where runs that find no slot are cancelled, one that came too late to find one is."""
    deployment = facts.deployment
    if proposal.state.name != "Late" or deployment is None:
        return None
    if deployment.strategy is not CollisionStrategy.CANCEL_NEW or not deployment.full:
        return None
    return Divert(reason=_LIMIT_REACHED, state=proposal.instead(StateType.CANCELLED, message=_LIMIT_REACHED))


def _take_slot(proposal: FlowRunProposal, deployment: DeploymentSlots) -> Amend:
    assert deployment.limit_id is not None
    lease_id = proposal.state.id
    return Amend(
        state=with_details(proposal.state, deployment_concurrency_lease_id=lease_id),
        effects=(AcquireSlot(deployment.limit_id, lease_id, deployment.lease_seconds),),
    )


def _no_slot(proposal: FlowRunProposal, deployment: DeploymentSlots) -> Divert:
    if deployment.strategy is CollisionStrategy.CANCEL_NEW:
        state = proposal.instead(StateType.CANCELLED, message=_LIMIT_REACHED)
    else:
        state = proposal.instead(
            StateType.SCHEDULED,
            name="AwaitingConcurrencySlot",
            details=StateDetails(scheduled_time=later(proposal.now, deployment.wait_seconds)),
        )
    return Divert(reason=_LIMIT_REACHED, state=state)


def _client_renews(client_version: str | None) -> bool:
    """Clients of unknown version are taken for old ones."""
    release = _RELEASE.match(client_version or "")
    return release is not None and tuple(map(int, release.groups())) >= _RENEWS_LEASES
