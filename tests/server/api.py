"""The server's routes without a network: requests go through the dispatcher, as they do in process."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import msgspec

from headrace.server.context import Context, Headers
from headrace.server.http.routing import Dispatcher
from headrace.server.store.base import Store
from headrace.settings import Settings

Json = Any


class Answered(msgspec.Struct):
    """A response: its status, and its body decoded if it is JSON."""

    status: int
    json: Json
    media_type: str | None
    headers: Mapping[str, str] = {}


class Api:
    """A client of the routes over one store, speaking the newest API unless told otherwise."""

    def __init__(self, dispatcher: Dispatcher, store: Store, settings: Settings) -> None:
        self._dispatcher, self.store, self._settings = dispatcher, store, settings
        self.headers = {b"x-prefect-api-version": b"0.8.4", b"user-agent": b"prefect/3.8.8 (API 0.8.4)"}

    def over(self, store: Store) -> "Api":
        """The API of another process, which has a store of its own."""
        return Api(self._dispatcher, store, self._settings)

    async def call(self, method: str, path: str, body: Json = msgspec.UNSET, query: str = "") -> Answered:
        """One request; a body that is bytes goes as it is."""
        context = Context(self.store, self._settings, Headers(self.headers))
        sent = b"" if body is msgspec.UNSET else body if isinstance(body, bytes) else msgspec.json.encode(body)
        answer = await self._dispatcher.dispatch(context, method, path, query, sent)
        is_json = answer.media_type == "application/json" and answer.body
        return Answered(
            answer.status,
            msgspec.json.decode(answer.body) if is_json else answer.body.decode(),
            answer.media_type,
            answer.headers or {},
        )

    async def get(self, path: str, query: str = "") -> Answered:
        return await self.call("GET", path, query=query)

    async def post(self, path: str, body: Json = msgspec.UNSET) -> Answered:
        return await self.call("POST", path, body)

    async def patch(self, path: str, body: Json) -> Answered:
        return await self.call("PATCH", path, body)

    async def delete(self, path: str) -> Answered:
        return await self.call("DELETE", path)

    async def flow(self, **fields: Json) -> str:
        """A new flow's id."""
        return (await self.post("/flows/", {"name": f"flow-{uuid4().hex}", **fields})).json["id"]

    async def flow_run(self, state: Json = None, **fields: Json) -> str:
        """A new flow run's id; of a flow of its own, if none is given."""
        flow_id = fields.pop("flow_id", None) or await self.flow()
        made = await self.post("/flow_runs/", {"flow_id": flow_id, "state": state, **fields})
        assert made.status == 201, made.json
        return made.json["id"]

    async def task_run(self, flow_run_id: str | None, **fields: Json) -> str:
        """A new task run's id."""
        named = {"task_key": "task", "dynamic_key": uuid4().hex, "flow_run_id": flow_run_id}
        made = await self.post("/task_runs/", named | fields)
        assert made.status == 201, made.json
        return made.json["id"]

    async def propose(self, kind: str, id: str, type: str, *, force: bool = False, **state: Json) -> Answered:
        """Propose a state for a run; `kind` is "flow_runs" or "task_runs"."""
        return await self.post(f"/{kind}/{id}/set_state", {"state": {"type": type, **state}, "force": force})

    async def states(self, kind: str, id: str) -> list[Json]:
        """The history of a run; `kind` is "flow_run" or "task_run"."""
        return (await self.get(f"/{kind}_states/", f"{kind}_id={id}")).json
