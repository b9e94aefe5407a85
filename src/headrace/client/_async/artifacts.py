"""Calls about artifacts, and about the newest of each key (contract §3)."""

from uuid import UUID

from headrace.client import calls
from headrace.client._async.base import Part
from headrace.wire.artifacts import Artifact, ArtifactCollection, ArtifactCreate, ArtifactUpdate
from headrace.wire.filters import (
    ArtifactCollectionFilter,
    ArtifactFilter,
    DeploymentFilter,
    FlowFilter,
    FlowRunFilter,
    TaskRunFilter,
)
from headrace.wire.sorts import ArtifactCollectionSort, ArtifactSort


class ArtifactCalls(Part):
    """Artifacts are what runs leave to look at; those of one key are versions of one thing."""

    async def create_artifact(self, artifact: ArtifactCreate) -> Artifact:
        """Keep an artifact; one with a key becomes the newest of that key."""
        return await self._call("POST", "/artifacts/", Artifact, body=artifact)

    async def read_artifact(self, artifact_id: UUID) -> Artifact:
        """One artifact. Raises `ObjectNotFound`."""
        return await self._call("GET", f"/artifacts/{artifact_id}", Artifact)

    async def read_latest_artifact(self, key: str) -> Artifact:
        """The newest artifact of a key. Raises `ObjectNotFound`."""
        return await self._call("GET", f"/artifacts/{calls.part(key)}/latest", Artifact)

    async def update_artifact(self, artifact_id: UUID, artifact: ArtifactUpdate) -> None:
        """Change what is given and leave the rest. Raises `ObjectNotFound`."""
        await self._tell("PATCH", f"/artifacts/{artifact_id}", body=artifact)

    async def delete_artifact(self, artifact_id: UUID) -> None:
        """Delete an artifact; of its key, the one before it is then the newest. Raises `ObjectNotFound`."""
        await self._tell("DELETE", f"/artifacts/{artifact_id}")

    async def read_artifacts(
        self,
        *,
        artifact_filter: ArtifactFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        flow_filter: FlowFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        sort: ArtifactSort | None = None,
        limit: int | None = 200,
        offset: int = 0,
    ) -> list[Artifact]:
        """Artifacts that pass all filters, the newest first; `limit=None` reads all of them, page by page."""
        body = {
            "artifacts": artifact_filter,
            "flow_runs": flow_run_filter,
            "task_runs": task_run_filter,
            "flows": flow_filter,
            "deployments": deployment_filter,
            "sort": sort,
        }
        return await self._list("/artifacts/filter", Artifact, body, limit=limit, offset=offset)

    async def count_artifacts(
        self,
        *,
        artifact_filter: ArtifactFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        flow_filter: FlowFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
    ) -> int:
        """How many artifacts pass all filters."""
        body = {
            "artifacts": artifact_filter,
            "flow_runs": flow_run_filter,
            "task_runs": task_run_filter,
            "flows": flow_filter,
            "deployments": deployment_filter,
        }
        return await self._count("/artifacts/count", body)

    async def read_latest_artifacts(
        self,
        *,
        artifact_filter: ArtifactCollectionFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        flow_filter: FlowFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        sort: ArtifactCollectionSort | None = None,
        limit: int | None = 200,
        offset: int = 0,
    ) -> list[ArtifactCollection]:
        """The newest artifact of each key that passes all filters; `limit=None` reads all of them, page by page."""
        body = {
            "artifacts": artifact_filter,
            "flow_runs": flow_run_filter,
            "task_runs": task_run_filter,
            "flows": flow_filter,
            "deployments": deployment_filter,
            "sort": sort,
        }
        return await self._list("/artifacts/latest/filter", ArtifactCollection, body, limit=limit, offset=offset)

    async def count_latest_artifacts(
        self,
        *,
        artifact_filter: ArtifactCollectionFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        flow_filter: FlowFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
    ) -> int:
        """How many keys have a newest artifact that passes all filters."""
        body = {
            "artifacts": artifact_filter,
            "flow_runs": flow_run_filter,
            "task_runs": task_run_filter,
            "flows": flow_filter,
            "deployments": deployment_filter,
        }
        return await self._count("/artifacts/latest/count", body)
