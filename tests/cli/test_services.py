"""Looking after services, against a real server."""

import json
import time

from tests.cli.conftest import Command


def test_services_are_listed_with_what_they_are_at(served: Command) -> None:
    header, *rows = served("server", "services", "ls").stdout.splitlines()
    assert header.split()[:3] == ["SERVICE", "STATE", "HOLDER"]
    assert {"event_persister", "triggers"} <= {row.split()[0] for row in rows}
    assert all(status["running"] for status in json.loads(served("server", "services", "ls", "-o", "json").stdout))


def test_a_service_is_paused_asked_to_run_and_resumed(served: Command) -> None:
    paused = served("server", "services", "pause", "histories")
    assert (paused.returncode, paused.stdout) == (0, "")
    assert paused.stderr.startswith("The service histories is paused")
    assert status(served)["paused"]
    ticks = status(served)["ticks"]
    assert served("server", "services", "run-now", "histories").returncode == 0
    deadline = time.monotonic() + 30
    while status(served)["ticks"] == ticks:
        assert time.monotonic() < deadline, "it was not run"
    assert served("server", "services", "resume", "histories").stderr == "The service histories goes on.\n"
    assert not status(served)["paused"]


def test_what_cannot_be_done_is_said(served: Command, headrace: Command) -> None:
    unknown = served("server", "services", "pause", "miller")
    assert unknown.returncode == 1
    assert "There is no service 'miller'; headrace server services ls lists them." in unknown.stderr
    assert served("server", "services", "resume").returncode == 2
    nobody = headrace("server", "services", "run-now", "histories")
    assert nobody.returncode == 1
    assert "No server runs the service histories now" in nobody.stderr


def status(served: Command) -> dict[str, object]:
    found = json.loads(served("server", "services", "ls", "-o", "json").stdout)
    return next(each for each in found if each["name"] == "histories")
