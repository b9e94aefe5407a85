"""The WebSocket on which clients send their events: committed before the next frames are asked for."""

import logging
from collections.abc import Sequence
from uuid import UUID

import msgspec
import pytest

from headrace.server.context import Context
from headrace.server.events.ingest import ingest
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.errors import ServiceUnavailable
from tests.server.api import Api
from tests.server.events.reported import event

ONE, TWO = UUID(int=1001), UUID(int=1002)


class Client:
    """A client that sends batches of frames and looks into the API each time the server asks for the next."""

    def __init__(self, api: Api, *batches: Sequence[str | bytes]) -> None:
        self._api, self._batches = api, list(batches)
        self.seen: list[int] = []

    async def receive_many(self, limit: int) -> Sequence[str | bytes]:
        self.seen.append((await self._api.post("/task_runs/count", {})).json)
        batch = self._batches.pop(0) if self._batches else ()
        assert len(batch) <= limit
        return batch


def frame(number: int, id: UUID) -> str:
    return msgspec.json.encode(event(number, id, None)).decode()


async def test_a_batch_is_durable_before_the_next_is_asked_for(
    api: Api, store: Store, database_settings: Settings
) -> None:
    client = Client(api, [frame(1, ONE)], [frame(2, TWO).encode(), frame(3, TWO)])
    await ingest(Context(store, database_settings), client)
    assert client.seen == [0, 1, 2]


@pytest.mark.parametrize("broken", ["{", "7", "{}", b"\xff", '{"id": "x"}', "[" * 10_000, ""])
async def test_a_message_that_is_no_event_is_logged_and_skipped_and_the_connection_lives(
    api: Api, store: Store, database_settings: Settings, broken: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(api, [frame(1, ONE), broken], [frame(2, TWO)])
    with caplog.at_level(logging.WARNING, "headrace.server.events"):
        await ingest(Context(store, database_settings), client)
    assert client.seen == [0, 1, 2]
    assert len(caplog.records) == 1


async def test_a_store_that_cannot_write_ends_the_connection_so_that_the_client_sends_again(
    api: Api, store: Store, database_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(self: Store) -> None:
        raise ServiceUnavailable("The database is away.")

    client = Client(api, [frame(1, ONE)], [frame(2, TWO)])
    monkeypatch.setattr(type(store), "transaction", unavailable)
    with pytest.raises(ServiceUnavailable):
        await ingest(Context(store, database_settings), client)
    assert client.seen == [0]
