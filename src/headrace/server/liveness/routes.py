"""`/x/flow_runs/{id}/lease`: signs of life of runs."""

from uuid import UUID

from headrace.server.context import Context
from headrace.server.flow_runs import leases
from headrace.server.http.routing import Router
from headrace.wire.leases import Lease, LeaseRenewal

router = Router(prefix="/x/flow_runs", tag="Headrace")


@router.post("/{id}/lease")
async def renew_flow_run_lease(ctx: Context, id: UUID, body: LeaseRenewal) -> Lease:
    """Note that the run's process is alive, and say what it is to do: go on, stop or suspend."""
    return await leases.renew(ctx.store, id, body, ctx.received)
