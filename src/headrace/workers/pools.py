"""A worker's pool: made on demand, kept in touch with, and its job template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace.client.connection import connect
from headrace.sdk.execution.patience import patiently
from headrace.settings import current
from headrace.wire.deploying_errors import DeploymentError
from headrace.wire.errors import ObjectAlreadyExists, ObjectNotFound
from headrace.wire.work_pools import WorkPoolCreate, WorkPoolUpdate

if TYPE_CHECKING:
    from headrace.client.orchestration import HeadraceClient
    from headrace.wire.work_pools import WorkPool

_TO_FIND = 600.0
"""Seconds for which a worker that starts waits for its server."""


class Pool:
    """The pool that a worker of one type polls, by name, and the queues that it polls there; all without any."""

    def __init__(self, name: str, queues: Sequence[str], type: str, template: Mapping[str, Any], create: bool) -> None:
        self.name, self.queues = name, list(queues)
        self._type, self._default, self._create = type, template, create
        self._known: WorkPool | None = None

    @property
    def known(self) -> WorkPool:
        """The pool as it was when the worker was last in touch."""
        assert self._known is not None, "a worker is in touch with its pool before it polls"
        return self._known

    @property
    def template(self) -> Mapping[str, Any]:
        """What jobs are made from."""
        return self.known.base_job_template or self._default

    async def sync(self, worker: str, *, patient: bool = False) -> None:
        """Find the pool or make it, and say that the worker is there.

        Raises `DeploymentError` if the pool is for another type of worker, or is not there and not to be made.
        """
        client = connect().asynchronous
        seconds = _TO_FIND if patient else 0.0
        self._known = await patiently(lambda: self._found(client), seconds)
        interval = current().worker.heartbeat_seconds
        await patiently(lambda: client.send_worker_heartbeat(self.name, worker, interval), seconds)

    def labels(self, worker: str, type: str) -> dict[str, Any]:
        """What is noted on the runs that a worker takes."""
        return {
            "prefect.worker.name": worker,
            "prefect.worker.type": type,
            "prefect.work-pool.name": self.name,
            "prefect.work-pool.id": str(self.known.id),
        }

    async def _found(self, client: HeadraceClient) -> WorkPool:
        first = self._known is None
        pool = await self._read_or_made(client)
        if pool.type != self._type:
            raise DeploymentError(
                f"The work pool {self.name!r} is for workers of the type {pool.type}, and this one is of the type "
                f"{self._type}: start a worker with --type {pool.type}, or use another pool."
            )
        if not pool.base_job_template:
            await client.update_work_pool(self.name, WorkPoolUpdate(base_job_template=dict(self._default)))
            pool = await client.read_work_pool(self.name)
        if first:
            await self._make_queues(client)
        return pool

    async def _read_or_made(self, client: HeadraceClient) -> WorkPool:
        try:
            return await client.read_work_pool(self.name)
        except ObjectNotFound:
            if not self._create:
                raise DeploymentError(
                    f"There is no work pool {self.name!r}: make it with "
                    f"`headrace work-pool create {self.name} --type {self._type}`."
                ) from None
        body = WorkPoolCreate(name=self.name, type=self._type, base_job_template=dict(self._default))
        try:
            return await client.create_work_pool(body)
        except ObjectAlreadyExists:
            # Another worker made it a moment ago.
            return await client.read_work_pool(self.name)

    async def _make_queues(self, client: HeadraceClient) -> None:
        for name in self.queues:
            try:
                await client.read_work_queue_by_name(name, self.name)
            except ObjectNotFound:
                try:
                    await client.create_work_queue(name, work_pool_name=self.name)
                except ObjectAlreadyExists:
                    continue
