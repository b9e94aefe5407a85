"""`/x/retention`: how long what is kept, what that would remove, and removing it now."""

from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.server.retention import service
from headrace.wire.retention import (
    RetentionForecast,
    RetentionPolicy,
    RetentionPolicyUpdate,
    RetentionPreviewRequest,
    RetentionRun,
    RetentionRunRequest,
)

router = Router(prefix="/x/retention", tag="Headrace")

_SET, _ALL = RetentionPreviewRequest(), RetentionRunRequest()


@router.get("/policies")
async def read_retention_policies(ctx: Context) -> list[RetentionPolicy]:
    """The policies that are set, by the name of the class each is for."""
    return await service.list_policies(ctx.store)


@router.get("/policies/{name}")
async def read_retention_policy(ctx: Context, name: str) -> RetentionPolicy:
    """The policy that is set for a class."""
    return await service.read(ctx.store, name)


@router.put("/policies/{name}")
async def set_retention_policy(ctx: Context, name: str, body: RetentionPolicyUpdate) -> RetentionPolicy:
    """Set a policy; within a minute it runs for the first time."""
    return await service.put(ctx.store, name, body, ctx.received)


@router.delete("/policies/{name}", status=204)
async def delete_retention_policy(ctx: Context, name: str) -> None:
    """Keep things of this class for ever, or as a policy of the whole kind says."""
    await service.delete(ctx.store, name)


@router.post("/preview")
async def preview_retention(ctx: Context, body: RetentionPreviewRequest = _SET) -> list[RetentionForecast]:
    """What policies would remove now, without removing it."""
    from headrace.server.retention.forecasts import preview

    return await preview(ctx.store, ctx.settings, body.policies, ctx.received)


@router.post("/run")
async def run_retention(ctx: Context, body: RetentionRunRequest = _ALL) -> list[RetentionRun]:
    """Run policies now, whether they are due or not."""
    from headrace.server.operations.worker import Operations, carry_out_here
    from headrace.server.retention.running import run

    done = await run(ctx.store, ctx.settings, body.names, ctx.received)
    if not ctx.base_url and Operations.of(ctx.store) is None:
        # In a process that records by itself, nobody else carries operations out.
        for operation_id in [one.operation_id for one in done if one.operation_id is not None]:
            await carry_out_here(ctx.store, ctx.settings, operation_id)
    return done
