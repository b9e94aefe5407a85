"""Each noun's calls, over the network and in process."""

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from headrace.client.connection import Connection, connect, disconnect
from headrace.client.orchestration import SyncHeadraceClient
from headrace.client.schemas.actions import (
    ArtifactCreate,
    ArtifactUpdate,
    BlockDocumentCreate,
    BlockDocumentUpdate,
    BlockSchemaCreate,
    BlockTypeCreate,
    BlockTypeUpdate,
    DeploymentFlowRunCreate,
    DeploymentScheduleCreate,
    DeploymentUpdate,
    GlobalConcurrencyLimitCreate,
    GlobalConcurrencyLimitUpdate,
    SavedSearchCreate,
    VariableCreate,
    VariableUpdate,
    WorkPoolCreate,
    WorkPoolUpdate,
    WorkQueueUpdate,
)
from headrace.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    BlockTypeFilter,
    BlockTypeFilterSlug,
    DeploymentFilter,
    DeploymentFilterId,
    VariableFilter,
    VariableFilterName,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from headrace.client.schemas.objects import SavedSearchFilter
from headrace.client.schemas.schedules import CronSchedule, IntervalSchedule
from headrace.settings import load
from headrace.states import Cancelling, Running
from headrace.wire.cancellations import CancellationStep
from headrace.wire.errors import Forbidden, Gone, Locked, ObjectAlreadyExists, ObjectNotFound, Unprocessable
from headrace.wire.flow_runs import FlowRunCreate
from headrace.wire.leases import Directive
from headrace.wire.states import StateType
from headrace.wire.times import now
from tests.processes import ServerProcess, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[ServerProcess]:
    with serving(tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest.fixture(params=["network", "in process"])
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Connection]:
    """A connection to a server, and one to a database without a server."""
    settings = load({"HEADRACE_HOME": str(tmp_path)})
    if request.param == "network":
        server: ServerProcess = request.getfixturevalue("server")
        settings = load({"HEADRACE_HOME": str(tmp_path), "HEADRACE_API_URL": server.api_url})
    yield connect(settings)
    disconnect(settings)


@pytest.fixture
def client(connection: Connection) -> SyncHeadraceClient:
    return connection.sync


@pytest.fixture
def name() -> str:
    """A name that nothing has yet: tests of one module share a server."""
    return f"n-{uuid4().hex[:12]}"


def test_variables(client: SyncHeadraceClient, name: str) -> None:
    made = client.create_variable(VariableCreate(name=name, value={"a": 1}, tags=["t"]))
    with pytest.raises(ObjectAlreadyExists):
        client.create_variable(VariableCreate(name=name, value=1))
    assert client.read_variable(made.id) == client.read_variable_by_name(name)
    client.update_variable(VariableUpdate(name=name, value=None))
    assert client.read_variable(made.id).value is None
    client.update_variable_by_id(made.id, VariableUpdate(name=f"{name}-2", tags=[]))
    assert client.read_variable_by_name(name) is None
    these = VariableFilter(name=VariableFilterName(any_=[f"{name}-2"]))
    assert [each.id for each in client.read_variables(variable_filter=these)] == [made.id]
    assert client.count_variables(variable_filter=these) == 1
    client.delete_variable_by_name(f"{name}-2")
    for gone in (lambda: client.read_variable(made.id), lambda: client.delete_variable(made.id)):
        with pytest.raises(ObjectNotFound):
            gone()


def test_artifacts(client: SyncHeadraceClient, name: str) -> None:
    old, new = (client.create_artifact(ArtifactCreate(key=name, type="markdown", data=text)) for text in ("a", "b"))
    assert client.read_latest_artifact(name).id == new.id
    these = ArtifactFilter(key=ArtifactFilterKey(any_=[name]))
    assert [each.id for each in client.read_artifacts(artifact_filter=these)] == [new.id, old.id]
    assert client.count_artifacts(artifact_filter=these) == 2
    assert name in [each.key for each in client.read_latest_artifacts()]
    assert client.count_latest_artifacts() >= 1
    client.update_artifact(new.id, ArtifactUpdate(description="later"))
    assert (client.read_artifact(new.id).description, client.read_artifact(new.id).data) == ("later", "b")
    client.delete_artifact(new.id)
    assert client.read_latest_artifact(name).id == old.id
    with pytest.raises(ObjectNotFound):
        client.read_latest_artifact("none")


def test_blocks(client: SyncHeadraceClient, name: str) -> None:
    type_ = client.create_block_type(BlockTypeCreate(name=name, slug=name))
    client.update_block_type(type_.id, BlockTypeUpdate(description="ours"))
    assert client.read_block_type_by_slug(name).description == "ours"
    assert client.read_block_type(type_.id).slug == name
    these = BlockTypeFilter(slug=BlockTypeFilterSlug(any_=[name]))
    assert [each.id for each in client.read_block_types(block_type_filter=these)] == [type_.id]
    fields = {"properties": {"key": {"type": "string"}}, "secret_fields": ["key"], "block_type_slug": name}
    schema = client.create_block_schema(
        BlockSchemaCreate(fields=fields, block_type_id=type_.id, capabilities=[f"c-{name}"])
    )
    assert client.read_block_schema_by_checksum(schema.checksum).id == schema.id
    assert client.read_block_schema(schema.id).checksum == schema.checksum
    newest = client.get_most_recent_block_schema_for_block_type(type_.id)
    assert newest is not None
    assert newest.id == schema.id
    assert f"c-{name}" in client.read_block_capabilities()
    document = client.create_block_document(
        BlockDocumentCreate(name="main", data={"key": "s3"}, block_schema_id=schema.id, block_type_id=type_.id)
    )
    assert document.data == {"key": "s3"}
    assert client.read_block_document(document.id, include_secrets=False).data == {"key": "********"}
    client.update_block_document(document.id, BlockDocumentUpdate(data={"key": "s4"}))
    assert client.read_block_document_by_name("main", name).data == {"key": "s4"}
    assert [each.id for each in client.read_block_documents_by_type(name)] == [document.id]
    assert [each.data for each in client.read_block_documents(block_type_filter=these)] == [{"key": "s4"}]
    assert client.count_block_documents(block_type_filter=these) == 1
    client.delete_block_document(document.id)
    client.delete_block_schema(schema.id)
    client.delete_block_type(type_.id)
    with pytest.raises(ObjectNotFound):
        client.read_block_type(type_.id)
    client.install_system_block_types()
    with pytest.raises(Forbidden):
        client.delete_block_type(client.read_block_type_by_slug("secret").id)


def test_work_pools_queues_and_workers(client: SyncHeadraceClient, name: str) -> None:
    pool = client.create_work_pool(WorkPoolCreate(name=name, type="process"))
    with pytest.raises(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name=name, type="process"))
    changed = client.create_work_pool(WorkPoolCreate(name=name, type="process", description="ours"), overwrite=True)
    assert (changed.id, changed.description) == (pool.id, "ours")
    client.update_work_pool(name, WorkPoolUpdate(concurrency_limit=3))
    assert client.read_work_pool(name).concurrency_limit == 3
    these = WorkPoolFilter(name=WorkPoolFilterName(any_=[name]))
    assert [each.id for each in client.read_work_pools(work_pool_filter=these)] == [pool.id]
    assert client.count_work_pools(these) == 1
    assert client.read_work_pool_concurrency_status(name).active_slots == 0
    queue = client.create_work_queue("fast", priority=1, work_pool_name=name)
    assert client.read_work_queue(queue.id) == client.read_work_queue_by_name("fast", name)
    assert [each.name for each in client.read_work_queues(name)] == ["fast", "default"]
    assert [each.id for each in client.match_work_queues(["FA"], name)] == [queue.id]
    client.update_work_queue(queue.id, is_paused=True)
    client.update_work_queue_by_name(name, "fast", WorkQueueUpdate(description="first"))
    kept = client.read_work_queue(queue.id)
    assert (kept.is_paused, kept.description) == (True, "first")
    assert client.read_work_queue_status(queue.id).late_runs_count == 0
    assert client.read_work_queue_concurrency_status(queue.id).flow_runs == []
    assert client.get_runs_in_work_queue(queue.id) == []
    client.send_worker_heartbeat(name, "worker-1", 10)
    assert [each.name for each in client.read_workers_for_work_pool(name)] == ["worker-1"]
    client.delete_worker(name, "worker-1")
    assert client.read_workers_for_work_pool(name) == []
    assert client.get_scheduled_flow_runs_for_work_pool(name, ["default"], now()) == []
    client.delete_work_queue_by_name(name, "fast")
    client.delete_work_pool(name)
    with pytest.raises(ObjectNotFound):
        client.read_work_pool(name)


def test_deployments_and_their_schedules(client: SyncHeadraceClient, name: str) -> None:
    flow_id = client.create_flow_from_name(name)
    every_day = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 3 * * *"), slug="daily")
    id_ = client.create_deployment(flow_id, "nightly", schedules=[every_day], tags=["t"], parameters={"a": 1})
    assert client.create_deployment(flow_id, "nightly", schedules=[every_day]) == id_
    kept = client.read_deployment_by_name(f"{name}/nightly")
    assert (kept.id, kept.tags, kept.parameters) == (id_, ["t"], {"a": 1})
    client.update_deployment(id_, DeploymentUpdate(description="ours"))
    client.set_deployment_paused_state(id_, True)
    assert (client.read_deployment(id_).description, client.read_deployment(id_).paused) == ("ours", True)
    client.resume_deployment(id_)
    (daily,) = client.read_deployment_schedules(id_)
    (hourly,) = client.create_deployment_schedules(id_, [(IntervalSchedule(interval=3600), True)])
    client.update_deployment_schedule(id_, daily.id, active=False)
    active = {each.id: each.active for each in client.read_deployment_schedules(id_)}
    assert active == {daily.id: False, hourly.id: True}
    client.schedule_deployment(id_, max_runs=2)
    due = client.get_scheduled_flow_runs_for_deployments([id_], now() + timedelta(hours=3))
    assert {run.auto_scheduled for run in due} == {True}
    client.delete_deployment_schedule(id_, hourly.id)
    assert client.get_scheduled_flow_runs_for_deployments([id_], now() + timedelta(hours=3)) == []
    run = client.create_flow_run_from_deployment(id_, parameters={"b": 2}, tags=["x"])
    assert (run.parameters, set(run.tags), run.state_name) == ({"a": 1, "b": 2}, {"t", "x"}, "Scheduled")
    made = client.create_flow_runs_from_deployment(id_, [DeploymentFlowRunCreate(), DeploymentFlowRunCreate()])
    assert [each.status for each in made.results] == ["CREATED", "CREATED"]
    these = DeploymentFilter(id=DeploymentFilterId(any_=[id_]))
    assert [each.id for each in client.read_deployments(deployment_filter=these)] == [id_]
    assert client.count_deployments(deployment_filter=these) == 1
    page = client.paginate_deployments(deployment_filter=these)
    assert (page.count, [each.id for each in page.results]) == (1, [id_])
    client.pause_deployment(id_)
    assert client.bulk_delete_deployments(these) == [id_]
    with pytest.raises(ObjectNotFound):
        client.delete_deployment(id_)
    with pytest.raises(ValueError, match="flow name/deployment name"):
        client.read_deployment_by_name("no-slash")


def test_a_runs_deployment_says_where_it_goes(client: SyncHeadraceClient, name: str) -> None:
    client.create_work_pool(WorkPoolCreate(name=name, type="process"))
    id_ = client.create_deployment(client.create_flow_from_name(name), "d", work_pool_name=name)
    run = client.create_flow_run_from_deployment(id_)
    (due,) = client.get_scheduled_flow_runs_for_work_pool(name)
    assert due.flow_run.id == run.id
    assert [queue.name for queue in client.check_work_queues_for_deployment(id_)] == ["default"]
    with pytest.raises(ObjectNotFound, match="none"):
        client.create_deployment(run.flow_id, "e", work_pool_name="none")


def test_limits_and_their_slots(client: SyncHeadraceClient, name: str) -> None:
    id_ = client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=1))
    client.upsert_global_concurrency_limit_by_name(name, 2)
    client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(slot_decay_per_second=0.001))
    kept = client.read_global_concurrency_limit_by_name(name)
    assert (kept.id, kept.limit, kept.slot_decay_per_second) == (id_, 2, 0.001)
    assert id_ in [each.id for each in client.read_global_concurrency_limits(limit=None)]
    assert [each.id for each in client.increment_concurrency_slots([name], 1)] == [id_]
    lease = client.increment_concurrency_slots_with_lease([name, "none"], 1)
    assert [each.name for each in lease.limits] == [name]
    with pytest.raises(Locked) as caught:
        client.increment_concurrency_slots([name], 1)
    assert caught.value.retry_after is not None
    client.renew_concurrency_lease(lease.lease_id, 60)
    client.release_concurrency_slots_with_lease(lease.lease_id)
    client.release_concurrency_slots_with_lease(lease.lease_id)
    with pytest.raises(Gone):
        client.renew_concurrency_lease(lease.lease_id, 60)
    client.release_concurrency_slots([name], 1, occupancy_seconds=0.5)
    assert client.read_global_concurrency_limit_by_name(str(id_)).active_slots == 0
    with pytest.raises(Unprocessable):
        client.increment_concurrency_slots([name], 3)
    client.delete_global_concurrency_limit_by_name(name)
    with pytest.raises(ObjectNotFound):
        client.read_global_concurrency_limit_by_name(name)


def test_limits_on_tags(client: SyncHeadraceClient, name: str) -> None:
    id_ = client.create_concurrency_limit(name, 1)
    holder, other = uuid4(), uuid4()
    assert [each.name for each in client.increment_v1_concurrency_slots([name], holder)] == [name]
    with pytest.raises(Locked):
        client.increment_v1_concurrency_slots([name], other)
    assert client.read_concurrency_limit_by_tag(name).active_slots == [holder]
    client.decrement_v1_concurrency_slots([name], holder)
    client.reset_concurrency_limit_by_tag(name, [other])
    assert client.read_concurrency_limit(id_).active_slots == [other]
    assert name in [each.tag for each in client.read_concurrency_limits(limit=None)]
    client.delete_concurrency_limit(id_)
    with pytest.raises(ObjectNotFound):
        client.delete_concurrency_limit_by_tag(name)


def test_saved_searches(client: SyncHeadraceClient, name: str) -> None:
    condition = SavedSearchFilter(object="flow", property="name", type="string", operation="equals", value="a")
    made = client.save_search(SavedSearchCreate(name=name, filters=[condition]))
    assert client.save_search(SavedSearchCreate(name=name)).id == made.id
    assert client.read_saved_search(made.id).filters == []
    assert made.id in [each.id for each in client.read_saved_searches(limit=None)]
    client.delete_saved_search(made.id)
    with pytest.raises(ObjectNotFound):
        client.read_saved_search(made.id)


def test_catalogues_and_templates(client: SyncHeadraceClient) -> None:
    assert "process" in client.read_worker_metadata()["prefect"]
    with pytest.raises(ObjectNotFound):
        client.read_collection_view("none")
    client.validate_template("Hello {{ name }}")
    with pytest.raises(Unprocessable):
        client.validate_template("{{ name")


def test_the_storage_that_the_server_proposes(client: SyncHeadraceClient) -> None:
    client.clear_server_default_result_storage()
    assert client.read_server_default_result_storage() == {"default_result_storage_block_id": None}
    with pytest.raises(ObjectNotFound):
        client.update_server_default_result_storage(UUID(int=1))


async def test_the_asynchronous_client_makes_the_same_calls(connection: Connection, name: str) -> None:
    async with connection.asynchronous as client:
        await client.create_variable(VariableCreate(name=name, value=1))
        found = await client.read_variable_by_name(name)
        assert found is not None
        assert found.value == 1
        flow_id = await client.create_flow_from_name(name)
        deployment_id = await client.create_deployment(flow_id, "d")
        run = await client.create_flow_run_from_deployment(deployment_id)
        assert (await client.set_flow_run_state(run.id, Running(), force=True)).state is not None


def test_both_clients_have_the_same_calls(connection: Connection) -> None:
    calls = [
        {each for each in dir(kind) if not each.startswith("_")} for kind in (connection.sync, connection.asynchronous)
    ]
    assert calls[0] == calls[1]


def test_cancellations(client: SyncHeadraceClient, name: str) -> None:
    run = client.post_flow_run(FlowRunCreate(flow_id=client.create_flow_from_name(name)))
    with pytest.raises(ObjectNotFound):
        client.read_cancellation(run.id)
    client.set_flow_run_state(run.id, Running())
    client.set_flow_run_state(run.id, Cancelling())
    client.note_cancellation_step(run.id, CancellationStep(step="killed", by="host-1", infrastructure="gone"))
    found = client.read_cancellation(run.id)
    assert (found.killed, found.infrastructure, found.final_at) == ("host-1", "gone", None)
    assert found.tree is not None
    assert found.tree.flow_runs == {StateType.CANCELLING: 1}


def test_leases_of_flow_runs(client: SyncHeadraceClient, name: str) -> None:
    flow_id = client.create_flow_from_name(name)
    run = client.post_flow_run(FlowRunCreate(flow_id=flow_id))
    client.set_flow_run_state(run.id, Running(), lease_seconds=30)
    lease = client.renew_flow_run_lease(run.id, 600, holder="host-1")
    assert lease.directive is Directive.GO_ON
    assert lease.deadline is not None
    assert timedelta(seconds=590) < lease.deadline - now() <= timedelta(seconds=600)
    client.set_flow_run_state(run.id, Cancelling())
    assert client.renew_flow_run_lease(run.id, 30).directive is Directive.STOP
    client.delete_flow_run(run.id)
    with pytest.raises(ObjectNotFound):
        client.renew_flow_run_lease(run.id, 30)
