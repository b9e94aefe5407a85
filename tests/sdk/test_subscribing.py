"""Following events as they come, over connections that break."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from headrace.events import Event, get_events_client, get_events_subscriber
from headrace.events.clients import EventSubscriber
from headrace.events.filters import EventFilter, EventNameFilter
from headrace.sdk.event_types import ReceivedEvent
from headrace.settings import context as settings_context
from headrace.wire.chance import CHANCE
from headrace.wire.errors import ServiceUnavailable, SettingsError, Unauthorized
from headrace.wire.times import now
from tests.client.scripted_stream import Line, Stream
from tests.sdk.fake import FakeAPI

Use = Callable[[Stream], None]


@pytest.fixture
def use(home: object, monkeypatch: pytest.MonkeyPatch) -> Use:
    """Let the settings name a server, and pauses between attempts be none."""
    monkeypatch.setattr(CHANCE, "uniform", lambda low, high: 0.0)

    def point_at(stream: Stream) -> None:
        monkeypatch.setenv("HEADRACE_API_URL", stream.url)
        settings_context.reload()

    return point_at


def event(number: int, occurred: datetime | None = None) -> dict[str, Any]:
    moment = (occurred or now()).isoformat()
    return {
        "id": str(UUID(int=number)),
        "occurred": moment,
        "received": moment,
        "event": f"event.{number}",
        "resource": {"prefect.resource.id": f"thing.{number}"},
        "related": [],
        "payload": {},
        "follows": None,
    }


async def given(events: EventSubscriber, many: int) -> list[int]:
    """The numbers of the next events."""
    return [(await anext(events)).id.int for _ in range(many)]


async def test_events_are_given_as_they_come(use: Use) -> None:
    async def talk(line: Line) -> None:
        await line.say(event(1))
        await line.say(event(2))
        await line.hold()

    async with Stream(talk).listening() as stream:
        use(stream)
        wanted = EventFilter(event=EventNameFilter(prefix=["event."]))
        async with get_events_subscriber(wanted) as events:
            first = await anext(events)
            assert isinstance(first, ReceivedEvent)
            assert first.resource.id == "thing.1"
            assert await given(events, 1) == [2]
    (asked,) = stream.filters
    assert stream.paths == ["/api/events/out"]
    assert asked["type"] == "filter"
    assert asked["filter"]["event"]["prefix"] == ["event."]
    since, until = (datetime.fromisoformat(asked["filter"]["occurred"][end]) for end in ("since", "until"))
    assert timedelta(seconds=55) < now() - since < timedelta(seconds=90)
    assert until > now() + timedelta(days=300)


async def test_a_broken_connection_is_made_again_and_no_event_is_given_twice(use: Use) -> None:
    moment = datetime(2026, 1, 1, 12, tzinfo=UTC)

    async def breaks(line: Line) -> None:
        await line.say(event(1, moment))
        await line.say(event(2, moment + timedelta(seconds=200)))
        await (await line.socket.ping())
        line.drop()

    async def goes_on(line: Line) -> None:
        await line.say(event(2, moment + timedelta(seconds=200)))
        await line.say(event(3, moment + timedelta(seconds=201)))
        await line.hold()

    async with Stream(breaks, goes_on).listening() as stream:
        use(stream)
        long_ago = EventFilter()
        async with get_events_subscriber(long_ago) as events:
            assert await given(events, 3) == [1, 2, 3]
    again = datetime.fromisoformat(stream.filters[1]["filter"]["occurred"]["since"])
    assert again >= moment + timedelta(seconds=140), "what was given long before is not asked for again"


async def test_a_goodbye_ends_the_iteration(use: Use) -> None:
    async def talk(line: Line) -> None:
        await line.say(event(1))
        await line.socket.close(1000)

    async with Stream(talk).listening() as stream:
        use(stream)
        async with get_events_subscriber() as events:
            assert [each.id.int async for each in events] == [1]


async def test_whoever_wants_goes_on_after_a_goodbye(use: Use) -> None:
    async def leaves(line: Line) -> None:
        await line.say(event(1))
        await line.socket.close(1000)

    async def comes_back(line: Line) -> None:
        await line.say(event(2))
        await line.hold()

    async with Stream(leaves, comes_back).listening() as stream:
        use(stream)
        async with get_events_subscriber(reconnect_on_clean_close=True) as events:
            assert await given(events, 2) == [1, 2]


async def test_a_server_that_is_too_busy_is_asked_again(use: Use) -> None:
    async def busy(line: Line) -> None:
        await line.socket.close(1013, "Events were removed before this client read them")

    async def talk(line: Line) -> None:
        await line.say(event(1))
        await line.hold()

    async with Stream(busy, talk).listening() as stream:
        use(stream)
        async with get_events_subscriber() as events:
            assert await given(events, 1) == [1]


async def test_without_attempts_left_the_break_is_told(use: Use) -> None:
    async def busy(line: Line) -> None:
        await line.socket.close(1013, "come back later")

    async with Stream(busy).listening() as stream:
        use(stream)
        async with get_events_subscriber(reconnection_attempts=0) as events:
            with pytest.raises(ServiceUnavailable, match="come back later"):
                await anext(events)


async def test_who_is_not_let_in_is_told_so_at_once(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk(line: Line) -> None: ...

    async with Stream(talk, token="admin:secret").listening() as stream:
        use(stream)
        with pytest.raises(Unauthorized, match="Invalid token"):
            async with get_events_subscriber():
                pass
        monkeypatch.setenv("HEADRACE_API_AUTH_STRING", "admin:secret")
        settings_context.reload()
        async with get_events_subscriber():
            pass


async def test_a_server_that_is_not_there_is_told(use: Use) -> None:
    async def talk(line: Line) -> None: ...

    async with Stream(talk).listening() as stream:
        use(stream)
    with pytest.raises(ServiceUnavailable, match="cannot be opened"):
        async with get_events_subscriber(reconnection_attempts=1):
            pass


async def test_without_a_server_there_is_no_stream(home: object) -> None:
    with pytest.raises(SettingsError, match="headrace server start"):
        async with get_events_subscriber():
            pass


async def test_a_subscription_has_to_be_entered(home: object) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await anext(get_events_subscriber())


async def test_what_a_client_emits_is_stored_when_its_block_is_left(api: FakeAPI) -> None:
    made = [Event(event=f"event.{n}", resource={"prefect.resource.id": "thing"}, id=uuid4()) for n in range(3)]
    async with get_events_client() as client:
        for each in made:
            await client.emit(each)
    assert [each.id for each in api.events] == [each.id for each in made]
