"""Automations made, found, changed and deleted by the real client, and firing on its own runs.

Prints what came back as one JSON line. Run in the peer's environment, with PREFECT_API_URL at the server under test.
"""

import asyncio
import json
import sys
from datetime import timedelta
from uuid import uuid4

from prefect import flow, get_client
from prefect.automations import Automation
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.blocks.webhook import Webhook
from prefect.events import emit_event
from prefect.events.actions import (
    CallWebhook,
    CancelFlowRun,
    ChangeFlowRunState,
    DoNothing,
    PauseDeployment,
    RunDeployment,
    SendNotification,
)
from prefect.events.filters import EventFilter
from prefect.events.schemas.automations import CompoundTrigger, EventTrigger, Posture, SequenceTrigger
from prefect.events.schemas.deployment_triggers import DeploymentEventTrigger
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Running

HOOK = sys.argv[1]


@flow(name="contract-watched")
def watched(said: str = "nothing") -> str:
    return said


async def until(ask):
    """What `ask` gives once it is not None."""
    for _ in range(400):
        found = await ask()
        if found is not None:
            return found
        await asyncio.sleep(0.05)
    raise TimeoutError(ask.__name__)


async def kept(client, out: dict) -> None:
    trigger = CompoundTrigger(
        require="all",
        within=60,
        triggers=[
            EventTrigger(expect={"a"}, posture=Posture.Reactive, match={"prefect.resource.id": "x.*"}),
            SequenceTrigger(within=5, triggers=[EventTrigger(expect={"b"}, posture=Posture.Proactive, within=30)]),
        ],
    )
    made = await Automation(name="kept", description="by the river", trigger=trigger, actions=[DoNothing()]).acreate()
    read = await Automation.aread(name="kept")
    out["kept"] = [read.id == made.id, read.description, read.enabled, type(read.trigger).__name__]
    out["kept_within"] = [
        read.trigger.within.total_seconds(),
        read.trigger.triggers[1].triggers[0].within.total_seconds(),
    ]
    read.name = "renamed"
    await read.aupdate()
    await read.adisable()
    again = await Automation.aread(id=made.id)
    out["changed"] = [again.name, again.enabled]
    await again.aenable()
    out["by_name"] = [a.name for a in await client.read_automations_by_name("renamed")]
    await again.adelete()
    try:
        await Automation.aread(id=made.id)
    except ValueError as error:
        out["gone"] = type(error).__name__
    loop = EventTrigger(expect={"prefect.flow-run.Running"}, posture=Posture.Reactive)
    try:
        await Automation(name="loop", trigger=loop, actions=[RunDeployment(source="inferred")]).acreate()
    except PrefectHTTPStatusError as error:
        out["loop"] = error.response.status_code


async def acted(client, out: dict) -> None:
    flow_id = await client.create_flow(watched)
    deployment_id = await client.create_deployment(flow_id, "mill")
    reacting = await Automation(
        name="run it",
        trigger=EventTrigger(
            expect={"prefect.flow-run.Completed"},
            match_related={"prefect.resource.name": "contract-watched", "prefect.resource.role": "flow"},
            posture=Posture.Reactive,
        ),
        actions=[
            RunDeployment(deployment_id=deployment_id, parameters={"said": "{{ flow_run.name }} {{ event.event }}"}),
            PauseDeployment(deployment_id=deployment_id),
        ],
    ).acreate()
    state = await asyncio.to_thread(watched, return_state=True)
    first = await client.read_flow_run(state.state_details.flow_run_id)

    async def made():
        runs = [run for run in await client.read_flow_runs() if run.deployment_id == deployment_id]
        return runs[0] if runs else None

    run = await until(made)
    out["run"] = [
        run.created_by.type,
        run.created_by.display_value,
        run.created_by.id == reacting.id,
        run.parameters["said"] == f"{first.name} prefect.flow-run.Completed",
        run.state.name,
    ]

    async def paused():
        return True if (await client.read_deployment(deployment_id)).paused else None

    out["paused"] = await until(paused)
    await reacting.adelete()


async def cancelled(client, out: dict) -> None:
    automation = await Automation(
        name="cancel it",
        trigger=EventTrigger(expect={"mill.broke"}, posture=Posture.Reactive),
        actions=[CancelFlowRun(), ChangeFlowRunState(state="CRASHED", name="Broken", force=True)],
    ).acreate()
    run = await client.create_flow_run(watched, state=Running())
    emit_event("mill.broke", resource={"prefect.resource.id": f"prefect.flow-run.{run.id}"})

    async def broken():
        state = (await client.read_flow_run(run.id)).state
        return state if state.name == "Broken" else None

    state = await until(broken)
    out["cancelled"] = [state.type.value, state.message == f"State changed by Automation {automation.id}"]


async def told(client, out: dict) -> None:
    hook = await Webhook(method="POST", url=f"{HOOK}/hook", headers={"x-mill": "wheel"}).save("hook", overwrite=True)
    custom = CustomWebhookNotificationBlock(
        name="pager", url=f"{HOOK}/notify", json_data={"text": "{{subject}}: {{body}}"}
    )
    notify = await custom.save("pager", overwrite=True)
    word = uuid4().hex
    await Automation(
        name="tell",
        trigger=EventTrigger(expect={"mill.turned"}, for_each={"prefect.resource.id"}, posture=Posture.Reactive),
        actions=[
            CallWebhook(block_document_id=hook, payload='{"word": "{{ event.payload.word }}"}'),
            SendNotification(block_document_id=notify, subject="Turned", body="{{ event.resource.id }}"),
        ],
    ).acreate()
    emit_event("mill.turned", resource={"prefect.resource.id": "mill.1"}, payload={"word": word})

    async def executed():
        filter = EventFilter(event={"name": ["prefect.automation.action.executed"]})
        body = {"filter": filter.model_dump(mode="json")}
        events = (await client.request("POST", "/events/filter", json=body)).json()["events"]
        kinds = sorted(e["payload"]["action_type"] for e in events)
        return True if {"call-webhook", "send-notification"} <= set(kinds) else None

    await until(executed)
    out["word"] = word


async def owned(client, out: dict) -> None:
    """What `deploy` does with the triggers of a deployment: those it had go, those it has come."""
    flow_id = await client.create_flow(watched)
    deployment_id = await client.create_deployment(flow_id, "triggered")
    for name in ("first", "second"):
        await client.delete_resource_owned_automations(f"prefect.deployment.{deployment_id}")
        trigger = DeploymentEventTrigger(name=name, expect={"mill.opened"}, within=timedelta(0))
        trigger.set_deployment_id(deployment_id)
        await client.create_automation(trigger.as_automation())
    found = (await client.request("GET", f"/automations/related-to/prefect.deployment.{deployment_id}")).json()
    out["owned"] = [automation["name"] for automation in found]
    emit_event("mill.opened", resource={"prefect.resource.id": "mill.1"})

    async def made():
        runs = [run for run in await client.read_flow_runs() if run.deployment_id == deployment_id]
        return runs[0] if runs else None

    out["owned_run"] = (await until(made)).created_by.display_value


async def main() -> None:
    out: dict = {}
    async with get_client() as client:
        for part in (kept, acted, cancelled, told, owned):
            await part(client, out)
    print(json.dumps(out))


asyncio.run(main())
