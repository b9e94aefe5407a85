"""Keeping things for a while, from the command line, against a real server."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest

from headrace.client.orchestration import get_client
from headrace.settings import temporary_settings
from headrace.wire.flow_runs import FlowRunCreate
from headrace.wire.logs import LogCreate
from headrace.wire.states import StateCreate, StateType
from headrace.wire.times import now
from tests.cli.conftest import Command
from tests.processes import ServerProcess


def policies(served: Command) -> list[dict[str, object]]:
    return json.loads(served("retention", "ls", "-o", "json").stdout)


def test_a_policy_is_set_listed_and_taken_back(served: Command) -> None:
    nothing = served("retention", "ls")
    assert (nothing.stdout, nothing.returncode) == ("", 0)
    assert nothing.stderr.startswith("No policy is set, so everything is kept;")
    made = served("retention", "set", "flow-runs.completed", "90d", "--keep-last", "100")
    assert (made.returncode, made.stdout) == (0, "")
    assert made.stderr.splitlines() == [
        "Completed flow runs are kept for 90d, and the last 100 of each flow.",
        "Nothing is due now.",
    ]
    header, row = served("retention", "ls").stdout.splitlines()
    assert header.split() == ["CLASS", "KEPT", "RAN", "REMOVED", "IN", "ALL"]
    assert row.startswith("flow_runs.completed  for 90d, and the last 100 of each flow  ")
    assert served("retention", "ls", "-o", "id").stdout == "flow_runs.completed\n"
    assert [(one["max_age"], one["keep_last"]) for one in policies(served)] == [(90 * 86_400, 100)]
    assert served("retention", "unset", "flow-runs.completed").stderr == (
        "Nothing is set for flow_runs.completed any more.\n"
    )
    again = served("retention", "unset", "flow-runs.completed")
    assert (again.returncode, again.stderr) == (
        1,
        "headrace: No policy is set for flow_runs.completed; headrace retention ls shows those there are.\n",
    )


def test_lines_that_are_due_are_shown_and_removed(served: Command, server: ServerProcess) -> None:
    at = now() - timedelta(days=10)
    lines = [
        LogCreate(name="x", level=level, message="line", timestamp=at, flow_run_id=uuid4()) for level in (10, 10, 40)
    ]
    with temporary_settings({"api.url": server.api_url}), get_client(sync_client=True) as api:
        api.create_logs(lines)
    served("server", "services", "pause", "retention")  # which would remove them by itself, sooner or later
    before = served("retention", "preview", "logs.debug", "1w")
    header, row = before.stdout.splitlines()
    assert header.split() == ["CLASS", "KEPT", "DUE", "OLDEST", "SIZE", "WITH", "THEM", "UNDO"]
    assert row.split()[:6] == ["logs.debug", "for", "7d", "2", "10d", "ago"]
    assert row.endswith("no: gone for good")
    made = served("retention", "set", "logs.debug", "1w")
    assert made.stderr.splitlines()[0] == "Debug log lines are kept for 7d."
    assert made.stderr.splitlines()[1].startswith("2 log lines (about ")
    ran = served("retention", "run")
    assert (ran.returncode, ran.stdout) == (0, "logs.debug: 2 removed\n")
    [found] = policies(served)
    assert (found["last_removed"], found["removed"]) == (2, 2)
    assert json.loads(served("retention", "preview", "-o", "json").stdout)[0]["total"] == 0
    served("retention", "unset", "logs.debug")


def test_nothing_that_is_due_asks_for_no_operation(served: Command) -> None:
    only = served("retention", "set", "flow-runs", "--keep-last", "1")
    assert only.stderr.startswith("Only the last 1 of each flow are kept, of the flow runs there are.\n")
    ran = served("retention", "run", "flow-runs", "-o", "json")
    assert [(one["name"], one["operation_id"]) for one in json.loads(ran.stdout)] == [("flow_runs", None)]
    served("retention", "unset", "flow-runs")


def test_who_takes_back_what_a_policy_took_is_told_that_it_is_still_set(served: Command, server: ServerProcess) -> None:
    """As long as it is."""
    with temporary_settings({"api.url": server.api_url}), get_client(sync_client=True) as api:
        flow_id = api.create_flow_from_name(f"flow-{uuid4()}")
        for _ in range(3):
            api.post_flow_run(FlowRunCreate(flow_id=flow_id, state=StateCreate(type=StateType.CRASHED)))
    served("retention", "set", "flow-runs.crashed", "--keep-last", "1")
    served("retention", "run", "flow-runs.crashed")
    (ran,) = policies(served)
    operation = json.loads(served("op", "ls", "--kind", "delete", "-n", "1", "-o", "json").stdout)[0]["id"]
    served("op", "watch", operation)

    undone = served("undo", operation)

    assert (ran["name"], undone.returncode) == ("flow_runs.crashed", 0)
    assert undone.stderr.startswith("2 flow runs restored in ")
    assert "The policy flow_runs.crashed is still set" in undone.stderr
    served("retention", "unset", "flow-runs.crashed")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("set", "runs", "90d"), "There is no class 'runs'"),
        (("set", "flow-runs"), "Say how long flow runs are kept, such as 90d, or --keep-last 100, or both."),
        (("set", "logs", "soon"), "'soon' is not a length of time"),
        (("set", "logs", "0d"), "'0d' cannot be an age: it has to be more than 0"),
        (("preview", "logs", "9999999d"), "'9999999d' cannot be an age"),
        (("unset",), "No class named"),
        (("run", "logs.loud"), "There is no class 'logs.loud'"),
    ],
)
def test_what_makes_no_policy_is_refused_in_words(headrace: Command, arguments: tuple[str, ...], said: str) -> None:
    refused = headrace("retention", *arguments)
    assert refused.returncode == 2
    assert said in refused.stderr


def test_without_a_server_the_policies_of_this_machines_recording_are_meant(headrace: Command) -> None:
    assert headrace("retention", "set", "flow-runs", "30d").returncode == 0
    assert headrace("retention", "ls", "-o", "id").stdout == "flow_runs\n"
    assert headrace("retention", "run").stdout == "flow_runs: nothing is due\n"
