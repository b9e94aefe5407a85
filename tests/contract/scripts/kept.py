"""What flows leave behind: variables, artifacts, inputs of runs and flows themselves, through the real client.

Prints what came back as one JSON line. Run in the peer's environment, with PREFECT_API_URL at the server under test.
"""

import asyncio
import json
import sys

from prefect import flow, get_client, task
from prefect.artifacts import (
    acreate_link_artifact,
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)
from prefect.client.schemas.filters import (
    ArtifactCollectionFilter,
    ArtifactCollectionFilterKey,
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    FlowFilter,
    FlowFilterName,
    FlowFilterTags,
)
from prefect.context import get_run_context
from prefect.variables import Variable

VALUE = {"list": [1, 2.5, None], "word": "grain"}


@task
async def draws() -> None:
    await acreate_table_artifact([{"mill": "upper", "sacks": 3}], key="sacks", description="by the task")


@flow(name="contract-artifacts")
async def makes_artifacts() -> str:
    await acreate_markdown_artifact("# first", key="report")
    await acreate_markdown_artifact("# second", key="report", description="the newer one")
    await acreate_link_artifact("https://example.com/mill", link_text="the mill")
    progress = await acreate_progress_artifact(10.0, key="milling")
    await aupdate_progress_artifact(progress, 80.0)
    await draws()
    return str(get_run_context().flow_run.id)


async def variables(client, out: dict) -> None:
    made = await Variable.aset("millstone", VALUE, tags=["stone"])
    out["variable"] = [made.name, made.value, made.tags]
    out["variable_read"] = await Variable.aget("millstone")
    out["variable_absent"] = await Variable.aget("nowhere", default="fallback")
    try:
        await Variable.aset("millstone", "other")
    except ValueError:
        out["variable_kept"] = True
    await Variable.aset("millstone", "other", overwrite=True)
    out["variable_changed"] = await Variable.aget("millstone")
    out["variables"] = [v.name for v in await client.read_variables()]
    out["variable_unset"] = [await Variable.aunset("millstone"), await Variable.aunset("millstone")]


async def artifacts(client, out: dict) -> None:
    run_id = await makes_artifacts()
    of_run = await client.read_artifacts(
        artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
    )
    out["artifacts"] = sorted([a.key or "", a.type or ""] for a in of_run if a.type and a.type != "result")
    reports = await client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["report"])))
    out["reports"] = sorted(a.data for a in reports)
    latest = await client.read_latest_artifacts(
        artifact_filter=ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=["report", "milling", "sacks"]))
    )
    out["latest"] = {a.key: [a.data, a.description, a.task_run_id is not None] for a in latest}
    newest = next(a for a in latest if a.key == "report")
    await client.delete_artifact(newest.latest_id)
    left = await client.read_latest_artifacts(
        artifact_filter=ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=["report"]))
    )
    out["latest_after_delete"] = [a.data for a in left]


async def inputs(client, out: dict) -> None:
    run = await client.create_flow_run(makes_artifacts)
    for n in range(3):
        await client.create_flow_run_input(run.id, key=f"grain-{n}", value=json.dumps(n), sender="the miller")
    found = await client.filter_flow_run_input(run.id, key_prefix="grain-", limit=2, exclude_keys={"grain-0"})
    out["inputs"] = [[i.key, i.value, i.sender] for i in found]
    out["input"] = await client.read_flow_run_input(run.id, "grain-1")
    await client.delete_flow_run_input(run.id, "grain-1")
    out["inputs_left"] = len(
        await client.filter_flow_run_input(run.id, key_prefix="grain-", limit=10, exclude_keys=set())
    )
    await client.delete_flow_run(run.id)


async def flows(client, out: dict) -> None:
    flow_id = await client.create_flow_from_name("contract-kept")
    out["same_flow"] = await client.create_flow_from_name("contract-kept") == flow_id
    out["flow"] = (await client.read_flow(flow_id)).name
    out["flow_by_name"] = (await client.read_flow_by_name("contract-kept")).id == flow_id
    found = await client.read_flows(
        flow_filter=FlowFilter(name=FlowFilterName(any_=["contract-kept"]), tags=FlowFilterTags(is_null_=True))
    )
    out["flows_found"] = [f.name for f in found]
    await client.delete_flow(flow_id)
    left = await client.read_flows(flow_filter=FlowFilter(name=FlowFilterName(any_=["contract-kept"])))
    out["flow_deleted"] = left == []


async def main() -> dict:
    out: dict = {}
    async with get_client() as client:
        await variables(client, out)
        await artifacts(client, out)
        await inputs(client, out)
        await flows(client, out)
    return out


if __name__ == "__main__":
    json.dump(asyncio.run(main()), sys.stdout)
    print()
