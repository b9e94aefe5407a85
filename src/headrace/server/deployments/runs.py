"""Runs of a deployment that somebody asks for, now or at a time (contract §3)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from headrace.rules.job_variables import unfit
from headrace.server.deployments import parameters, service
from headrace.server.flow_runs import service as flow_runs
from headrace.server.flow_runs.origin import Origin
from headrace.server.states.proposals import Asker
from headrace.server.store.base import Store
from headrace.server.work_pools import service as work_pools
from headrace.server.work_pools.service import Place
from headrace.wire.deployments import (
    Deployment,
    DeploymentFlowRunCreate,
    FlowRunBulkCreateResult,
    FlowRunCreateResult,
)
from headrace.wire.errors import BadRequest, HeadraceError, ServiceError, Unprocessable
from headrace.wire.flow_runs import CreatedBy, FlowRun, FlowRunCreate
from headrace.wire.states import StateCreate, StateType

_DOING = "Error creating flow run"


async def create(
    store: Store,
    deployment_id: UUID,
    body: DeploymentFlowRunCreate,
    asker: Asker,
    max_parameter_bytes: int,
    created_by: CreatedBy | None = None,
) -> tuple[FlowRun, bool]:
    """Make a run of a deployment, or find the one that was made under the same idempotency key; whether it is new.

    Raises `ObjectNotFound` for an unknown deployment, `BadRequest` for placeholders that stand for nothing,
    `Conflict` for parameters and `Unprocessable` for job variables that do not fit.
    """
    deployment = await service.read(store, deployment_id, asker.now)
    given = await _parameters(store, deployment, body)
    place = await _place(store, deployment, body, asker)
    job_variables = body.job_variables or {}
    if place is not None:
        _check_job_variables(deployment.job_variables | job_variables, place)
    return await flow_runs.create(
        store, _as_flow_run(deployment, body, given), asker, max_parameter_bytes, _origin(deployment, place, created_by)
    )


async def create_all(
    store: Store, deployment_id: UUID, bodies: Sequence[DeploymentFlowRunCreate], asker: Asker, max_parameter_bytes: int
) -> FlowRunBulkCreateResult:
    """Make a run for each body; what goes wrong with one is its own result. Raises `ObjectNotFound`."""
    await service.read(store, deployment_id, asker.now)
    results: list[FlowRunCreateResult] = []
    for body in bodies:
        try:
            run, _ = await create(store, deployment_id, body, asker, max_parameter_bytes)
        except ServiceError:
            raise
        except HeadraceError as error:
            results.append(FlowRunCreateResult(status="FAILED", error=str(error)))
        else:
            results.append(FlowRunCreateResult(status="CREATED", flow_run_id=run.id))
    return FlowRunBulkCreateResult(results=results)


def origin_labels(deployment: Deployment) -> dict[str, Any]:
    """The labels that every run of the deployment has."""
    return deployment.labels | {
        "prefect.flow.id": str(deployment.flow_id),
        "prefect.deployment.id": str(deployment.id),
    }


async def _parameters(store: Store, deployment: Deployment, body: DeploymentFlowRunCreate) -> dict[str, Any]:
    """The deployment's parameters with those given over them, resolved, and checked where that is wanted."""
    try:
        given = await parameters.hydrated(store, deployment.parameters | body.parameters)
    except parameters.HydrationError as error:
        raise BadRequest(f"Error hydrating flow run parameters: {error}") from None
    enforced = body.enforce_parameter_schema
    if deployment.enforce_parameter_schema if enforced is None else enforced:
        parameters.check(given, deployment.parameter_openapi_schema, _DOING)
    return given


async def _place(store: Store, deployment: Deployment, body: DeploymentFlowRunCreate, asker: Asker) -> Place | None:
    """Where the run goes: the deployment's work queue, or the one of that name in the same pool."""
    queue_id = deployment.work_queue_id
    if not body.work_queue_name:
        return None if queue_id is None else await work_pools.place_of(store, queue_id)
    if deployment.work_pool_name is None:
        raise BadRequest(
            f"Deployment {deployment.id} has no work pool, so its run cannot go to the work queue "
            f"{body.work_queue_name!r}: give the deployment a work pool first."
        )
    async with store.transaction() as transaction:
        return await work_pools.place(transaction, deployment.work_pool_name, body.work_queue_name, asker.now)


def _check_job_variables(given: dict[str, Any], place: Place) -> None:
    reason = unfit(given, place.base_job_template)
    if reason is not None:
        raise Unprocessable(f"{_DOING}: {reason}")


def _origin(deployment: Deployment, place: Place | None, created_by: CreatedBy | None) -> Origin:
    if place is None:
        return Origin(
            deployment_version=deployment.version,
            work_queue_name=deployment.work_queue_name,
            labels=deployment.labels,
            created_by=created_by,
        )
    return Origin(
        deployment_version=deployment.version,
        work_queue_id=place.work_queue_id,
        work_queue_name=place.work_queue_name,
        work_pool_id=place.work_pool_id,
        work_pool_name=place.work_pool_name,
        labels=deployment.labels,
        created_by=created_by,
    )


def _as_flow_run(deployment: Deployment, body: DeploymentFlowRunCreate, given: dict[str, Any]) -> FlowRunCreate:
    return FlowRunCreate(
        flow_id=deployment.flow_id,
        deployment_id=deployment.id,
        state=body.state or StateCreate(type=StateType.SCHEDULED),
        name=body.name,
        parameters=given,
        context=body.context,
        parent_task_run_id=body.parent_task_run_id,
        infrastructure_document_id=body.infrastructure_document_id or deployment.infrastructure_document_id,
        empirical_policy=body.empirical_policy,
        tags=sorted({*deployment.tags, *body.tags}),
        labels=body.labels,
        idempotency_key=body.idempotency_key,
        job_variables=body.job_variables,
    )
