"""The runs of a deployment that have begun and not ended, for those whose schedule minds them."""

from uuid import UUID

from headrace.rules.facts import Overlap
from headrace.server.deployments import service as deployments
from headrace.server.flow_runs import waiting
from headrace.server.flow_runs.queries import Orchestrated
from headrace.server.store.base import Connection, Statement
from headrace.wire.flow_runs import CreatedBy

_MOST = 100
# Two runs that are picked up at once must not both find that no other goes on. The run is locked before, and no lock
# of a row is taken by whoever holds this one that others hold while they wait for it.
_TAKE_TURNS = Statement(
    "SELECT pg_advisory_xact_lock(hashtextextended('overlap ' || $1::uuid::text, 0))",
    sqlite="SELECT 1 WHERE $1 IS NULL",
)


async def look_up(transaction: Connection, run: Orchestrated) -> Overlap | None:
    """What goes on beside a run that is about to begin; None where its schedule does not mind."""
    schedule_id = schedule_of(run.created_by)
    policies = None if schedule_id is None else await deployments.policies_of(transaction, schedule_id)
    if policies is None or policies.if_running == "start" or run.deployment_id is None:
        return None
    await transaction.fetch_one(_TAKE_TURNS, run.deployment_id)
    others = await waiting.under_way(transaction, run.deployment_id, _MOST)
    return Overlap(if_running=policies.if_running, under_way=tuple(other.id for other in others if other.id != run.id))


def schedule_of(created_by: CreatedBy | None) -> UUID | None:
    """The schedule that made a run, if one did."""
    return created_by.id if created_by is not None and created_by.type == "SCHEDULE" else None
