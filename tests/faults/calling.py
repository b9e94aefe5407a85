"""Calls of a real server's API, one after the other on one connection."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from tests.processes import ServerProcess


class Caller:
    """One connection to a server."""

    def __init__(self, server: ServerProcess) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(server.api_url).netloc, timeout=30)

    def get(self, path: str) -> Any:
        return self._call("GET", path, None)

    def post(self, path: str, body: Any) -> Any:
        return self._call("POST", path, json.dumps(body))

    def task_run(self, flow_run: str, type: str) -> str:
        """A new task run's id."""
        body = {"task_key": "t", "dynamic_key": uuid4().hex, "flow_run_id": flow_run, "state": {"type": type}}
        return self.post("/task_runs/", body)["id"]

    def close(self) -> None:
        self._connection.close()

    def _call(self, method: str, path: str, body: str | None) -> Any:
        self._connection.request(method, f"/api{path}", body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status < 300, content
        return json.loads(content) if content else None


@contextmanager
def calling(server: ServerProcess) -> Iterator[Caller]:
    caller = Caller(server)
    yield caller
    caller.close()
