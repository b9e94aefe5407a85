"""Asking for events, following and sending them, against a real server."""

import json
import subprocess
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from headrace.client.orchestration import SyncHeadraceClient
from headrace.wire.events import Event
from headrace.wire.times import now
from tests.cli.conftest import Command
from tests.processes import HEADRACE, ServerProcess, clean_environ


@pytest.fixture
def order() -> str:
    """The id of a resource that no other test uses."""
    return f"acme.order.{uuid4()}"


def emit(api: SyncHeadraceClient, name: str, order: str) -> UUID:
    event = Event(id=uuid4(), occurred=now(), event=name, resource={"prefect.resource.id": order})
    api.post_events([event])
    return event.id


def test_an_event_is_emitted_and_listed(served: Command, order: str) -> None:
    sent = served("event", "emit", "order.shipped", "--resource-id", order, "--payload", '{"parcels": 2}')
    assert (sent.returncode, sent.stderr) == (0, f"The event order.shipped of {order} is stored.\n")
    (listed,) = json.loads(served("event", "ls", "--resource", order, "-o", "json").stdout)
    assert listed["id"] == sent.stdout.strip()
    assert (listed["event"], listed["payload"]) == ("order.shipped", {"parcels": 2})
    header, row = served("events", "ls", "--resource", order).stdout.splitlines()
    assert header.split()[:3] == ["OCCURRED", "EVENT", "RESOURCE"]
    assert f"order.shipped  {order}" in row


def test_labels_and_related_resources_are_given_as_json(served: Command, api: SyncHeadraceClient, order: str) -> None:
    related = {"prefect.resource.id": "acme.customer.3", "prefect.resource.role": "customer"}
    answer = served(
        "event", "emit", "order.shipped", "--resource", json.dumps({"prefect.resource.id": order, "size": "L"}),
        "--related", json.dumps(related),
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    (listed,) = json.loads(served("event", "ls", "--resource", order, "-o", "json").stdout)
    assert listed["resource"] == {"prefect.resource.id": order, "size": "L"}
    assert listed["related"] == [related]


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["order.shipped"], 1, "prefect.resource.id"),
        (["order.shipped", "--resource-id", "x", "--payload", "{"], 2, "--payload is no JSON"),
        (["order.shipped", "--resource-id", "x", "--payload", "[]"], 2, "--payload takes a JSON object"),
        (["order.shipped", "--resource-id", "x", "--related", '{"a": "b"}'], 1, "prefect.resource.id"),
    ],
)
def test_an_event_that_cannot_be_is_refused(served: Command, arguments: list[str], code: int, reason: str) -> None:
    answer = served("event", "emit", *arguments)
    assert answer.returncode == code
    assert reason in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_names_are_whole_or_beginnings(served: Command, api: SyncHeadraceClient, order: str) -> None:
    shipped, sent = emit(api, "order.shipped", order), emit(api, "order.sent", order)

    def listed(*arguments: str) -> list[str]:
        return served("event", "ls", "--resource", order, "-o", "id", *arguments).stdout.split()

    assert listed("--name", "order.shipped") == [str(shipped)]
    assert listed("--name", "order.*") == [str(sent), str(shipped)]
    assert listed("--name", "order.s*", "-n", "1") == [str(sent)]
    assert listed("--name", "order") == []
    both = served("event", "ls", "--name", "order.*", "--name", "order.sent")
    assert (both.returncode, len(both.stderr.splitlines())) == (2, 1)


def test_more_events_than_one_answer_holds_are_listed(served: Command, api: SyncHeadraceClient, order: str) -> None:
    ids = [uuid4() for _ in range(120)]
    api.post_events(
        Event(id=id_, occurred=now(), event="order.counted", resource={"prefect.resource.id": order}) for id_ in ids
    )
    listed = served("event", "ls", "--resource", order, "-o", "id", "-n", "110").stdout.split()
    assert listed == [str(id_) for id_ in reversed(ids)][:110]


def test_the_stream_gives_what_comes(
    server: ServerProcess, api: SyncHeadraceClient, order: str, tmp_path: Path
) -> None:
    first = emit(api, "order.shipped", order)
    process = subprocess.Popen(
        [HEADRACE, "event", "stream", "--resource", order],
        env=clean_environ(tmp_path) | {"HEADRACE_API_URL": server.api_url},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["id"] == str(first), "that of the last minute comes first"
        second = emit(api, "order.sent", order)
        assert json.loads(process.stdout.readline())["id"] == str(second)
    finally:
        process.terminate()
        process.communicate()


def test_the_stream_can_end_after_one_and_go_to_a_file(
    served: Command, api: SyncHeadraceClient, order: str, tmp_path: Path
) -> None:
    emit(api, "order.shipped", order)
    file = tmp_path / "events.txt"
    answer = served("event", "stream", "--resource", order, "--format", "text", "--run-once", "--output-file", file)
    assert (answer.returncode, answer.stdout) == (0, ""), answer.stderr
    assert file.read_text().endswith(f" order.shipped {order}\n")
    nowhere = served("event", "stream", "--run-once", "--output-file", tmp_path / "no" / "file")
    assert (nowhere.returncode, len(nowhere.stderr.splitlines())) == (1, 1)


def test_a_stream_without_a_server_says_what_is_missing(headrace: Command) -> None:
    answer = headrace("event", "stream")
    assert answer.returncode == 1
    assert "headrace server start" in answer.stderr


def test_queues_say_how_far_the_server_is(served: Command) -> None:
    header, first, *_ = served("event", "queues").stdout.splitlines()
    assert header.split() == ["QUEUE", "WAITING", "OLDEST", "HANDLED", "PARKED", "QUARANTINED"]
    assert first.split()[0] == "ingest"
    assert json.loads(served("event", "queues", "-o", "json").stdout)["ingest"]["depth"] >= 0


def test_what_is_kept_aside_is_listed_tried_again_and_dropped(served: Command, api: SyncHeadraceClient) -> None:
    nothing = served("event", "quarantine", "ls", "--consumer", "nobody")
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", "No event is kept aside.\n")
    replayed = served("event", "quarantine", "replay", "--all", "--consumer", "nobody")
    assert (replayed.returncode, replayed.stderr) == (0, "0 events were handled now.\n")
    dropped = served("event", "quarantine", "drop", "--all", "--consumer", "nobody")
    assert (dropped.returncode, dropped.stderr) == (0, "0 events are dropped.\n")


@pytest.mark.parametrize(
    "arguments",
    [["replay"], ["drop"], ["drop", "this-one"], ["drop", "--all", str(UUID(int=1))]],
    ids=["nothing", "nothing to drop", "no id", "both"],
)
def test_who_does_not_say_which_is_asked_to(served: Command, arguments: list[str]) -> None:
    answer = served("event", "quarantine", *arguments)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1)
