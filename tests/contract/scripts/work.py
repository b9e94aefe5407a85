"""Work pools, queues, workers, deployments, schedules and their runs, through the real client.

Prints what came back as one JSON line. Run in the peer's environment, with PREFECT_API_URL at the server under test.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta

from prefect import flow, get_client
from prefect.client.schemas.actions import (
    DeploymentScheduleCreate,
    DeploymentUpdate,
    WorkPoolCreate,
    WorkPoolUpdate,
)
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    DeploymentFilterTags,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.states import Scheduled

TEMPLATE = {
    "job_configuration": {"command": "{{ command }}", "image": "{{ image }}"},
    "variables": {
        "type": "object",
        "properties": {"command": {"type": "string"}, "image": {"type": "string", "default": "python"}},
    },
}
SCHEMA = {
    "type": "object",
    "properties": {"count": {"type": "integer"}, "word": {"type": "string"}},
    "required": ["count"],
}


@flow(name="contract-deployed")
def deployed(count: int, word: str = "ab") -> None:
    """Never called here; its deployments are."""


async def error_of(call) -> str:
    try:
        await call
    except Exception as error:
        return type(error).__name__
    return "nothing"


async def pools(client, out: dict) -> None:
    pool = await client.create_work_pool(
        WorkPoolCreate(name="mill", type="process", base_job_template=TEMPLATE, concurrency_limit=3)
    )
    out["pool"] = [pool.name, pool.type, pool.status.value, pool.is_paused, pool.concurrency_limit]
    out["pool_again"] = await error_of(client.create_work_pool(WorkPoolCreate(name="mill", type="process")))
    out["pool_missing"] = await error_of(client.read_work_pool("nowhere"))
    await client.update_work_pool("mill", WorkPoolUpdate(description="by the river", is_paused=True))
    paused = await client.read_work_pool("mill")
    out["pool_paused"] = [paused.description, paused.is_paused, paused.status.value]
    await client.update_work_pool("mill", WorkPoolUpdate(is_paused=False))
    await client.create_work_pool(WorkPoolCreate(name="barn", type="process"))
    out["pools"] = sorted(p.name for p in await client.read_work_pools())
    found = await client.read_work_pools(work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=["barn"])))
    out["pools_found"] = [p.name for p in found]
    await client.delete_work_pool("barn")
    out["pool_deleted"] = await error_of(client.read_work_pool("barn"))


async def queues(client, out: dict) -> None:
    urgent = await client.create_work_queue(name="urgent", work_pool_name="mill", priority=1, concurrency_limit=2)
    out["queue"] = [urgent.name, urgent.priority, urgent.concurrency_limit, urgent.work_pool_name]
    listed = await client.read_work_queues(work_pool_name="mill")
    out["queues"] = sorted([q.name, q.priority] for q in listed)
    await client.update_work_queue(urgent.id, description="first", is_paused=True)
    read = await client.read_work_queue_by_name("urgent", work_pool_name="mill")
    out["queue_changed"] = [read.description, read.is_paused, read.status.value]
    await client.update_work_queue(urgent.id, is_paused=False)
    spare = await client.create_work_queue(name="spare", work_pool_name="mill")
    await client.delete_work_queue_by_id(spare.id)
    out["queue_deleted"] = await error_of(client.read_work_queue(spare.id))
    out["queue_status"] = (await client.read_work_queue_status(urgent.id)).healthy


async def workers(client, out: dict) -> None:
    await client.send_worker_heartbeat("mill", "miller", heartbeat_interval_seconds=30)
    seen = await client.read_workers_for_work_pool("mill")
    out["workers"] = [[w.name, w.status.value] for w in seen]
    out["pool_ready"] = (await client.read_work_pool("mill")).status.value


async def deployments(client, out: dict) -> dict:
    flow_id = await client.create_flow(deployed)
    wanted = {
        "flow_id": flow_id,
        "name": "hourly",
        "work_pool_name": "mill",
        "work_queue_name": "urgent",
        "parameters": {"count": 1},
        "parameter_openapi_schema": SCHEMA,
        "enforce_parameter_schema": True,
        "tags": ["contract"],
        "entrypoint": "mill.py:deployed",
        "job_variables": {"command": "true"},
        "schedules": [DeploymentScheduleCreate(schedule=IntervalSchedule(interval=timedelta(hours=1)), slug="hours")],
    }
    deployment_id = await client.create_deployment(**wanted)
    out["same_deployment"] = await client.create_deployment(**wanted) == deployment_id
    read = await client.read_deployment(deployment_id)
    out["deployment"] = [read.name, read.parameters, read.tags, read.work_pool_name, read.work_queue_name, read.paused]
    out["deployment_schedules"] = [[s.slug, s.active, s.schedule.interval.total_seconds()] for s in read.schedules]
    by_name = await client.read_deployment_by_name("contract-deployed/hourly")
    out["by_name"] = by_name.id == deployment_id
    out["by_name_missing"] = await error_of(client.read_deployment_by_name("contract-deployed/never"))
    await client.update_deployment(deployment_id, DeploymentUpdate(description="each hour", tags=["changed"]))
    changed = await client.read_deployment(deployment_id)
    out["deployment_changed"] = [changed.description, changed.tags, changed.parameters]
    await client.pause_deployment(deployment_id)
    out["paused"] = (await client.read_deployment(deployment_id)).paused
    await client.resume_deployment(deployment_id)
    out["resumed"] = not (await client.read_deployment(deployment_id)).paused
    out["bad_parameters"] = await error_of(
        client.create_flow_run_from_deployment(deployment_id, parameters={"count": "many"})
    )
    found = await client.read_deployments(
        deployment_filter=DeploymentFilter(
            name=DeploymentFilterName(any_=["hourly"]), tags=DeploymentFilterTags(all_=["changed"])
        )
    )
    out["deployments_found"] = [d.name for d in found]
    return {"flow_id": flow_id, "deployment_id": deployment_id}


async def schedules(client, out: dict, deployment_id) -> None:
    made = await client.create_deployment_schedules(
        deployment_id, [(CronSchedule(cron="0 6 * * *", timezone="Europe/Berlin"), True)]
    )
    rrule = RRuleSchedule(rrule="FREQ=DAILY;INTERVAL=2")
    made += await client.create_deployment_schedules(deployment_id, [(rrule, False)])
    out["schedules_made"] = [[type(s.schedule).__name__, s.active] for s in made]
    await client.update_deployment_schedule(deployment_id, made[0].id, active=False)
    listed = await client.read_deployment_schedules(deployment_id)
    out["schedules"] = sorted([type(s.schedule).__name__, s.active] for s in listed)
    await client.delete_deployment_schedule(deployment_id, made[1].id)
    out["schedules_left"] = len(await client.read_deployment_schedules(deployment_id))


async def runs(client, out: dict, deployment_id) -> None:
    run = await client.create_flow_run_from_deployment(
        deployment_id, parameters={"count": 7}, tags=["made"], idempotency_key="once", state=Scheduled()
    )
    again = await client.create_flow_run_from_deployment(deployment_id, parameters={}, idempotency_key="once")
    out["same_run"] = run.id == again.id
    out["run"] = [run.parameters, sorted(run.tags), run.work_queue_name, run.state.name, run.deployment_id is not None]
    due = datetime.now(UTC) + timedelta(seconds=10)
    for_runner = await client.get_scheduled_flow_runs_for_deployments([deployment_id], scheduled_before=due)
    out["for_runner"] = run.id in {r.id for r in for_runner}
    for_worker = await client.get_scheduled_flow_runs_for_work_pool("mill", scheduled_before=due)
    out["for_worker"] = run.id in {r.flow_run.id for r in for_worker}
    read = await client.read_deployment(deployment_id)
    out["deployment_status"] = [read.status.value, read.last_polled is not None]
    queue = await client.read_work_queue_by_name("urgent", work_pool_name="mill")
    out["queue_polled"] = [queue.status.value, queue.last_polled is not None]
    by_helper = await run_deployment("contract-deployed/hourly", parameters={"count": 2}, timeout=0)
    out["run_deployment"] = [by_helper.parameters, by_helper.state.type.value]


async def main() -> dict:
    out: dict = {}
    async with get_client() as client:
        await pools(client, out)
        await queues(client, out)
        await workers(client, out)
        ids = await deployments(client, out)
        await schedules(client, out, ids["deployment_id"])
        await runs(client, out, ids["deployment_id"])
        await client.delete_deployment(ids["deployment_id"])
        out["deployment_deleted"] = await error_of(client.read_deployment(ids["deployment_id"]))
        out["nouns"] = [ObjectAlreadyExists.__name__, ObjectNotFound.__name__]
    return out


if __name__ == "__main__":
    json.dump(asyncio.run(main()), sys.stdout)
    print()
