"""Work pools, queues, workers and deployments, through the real client."""

from typing import Any

import pytest

from tests.contract.conftest import Peer

pytestmark = pytest.mark.xdist_group("contract-work")
Seen = dict[str, Any]


@pytest.fixture(scope="module")
def seen(peer: Peer) -> Seen:
    """What the client was answered, on each database."""
    return peer.script("work.py")


def test_a_work_pool_is_made_paused_found_and_deleted(seen: Seen) -> None:
    assert seen["pool"] == ["mill", "process", "NOT_READY", False, 3]
    assert seen["pool_again"] == "ObjectAlreadyExists"
    assert seen["pool_missing"] == "ObjectNotFound"
    assert seen["pool_paused"] == ["by the river", True, "PAUSED"]
    assert seen["pools"] == ["barn", "mill"]
    assert seen["pools_found"] == ["barn"]
    assert seen["pool_deleted"] == "ObjectNotFound"


def test_a_queue_of_high_priority_moves_the_others_down(seen: Seen) -> None:
    assert seen["queue"] == ["urgent", 1, 2, "mill"]
    assert seen["queues"] == [["default", 2], ["urgent", 1]]


def test_a_queue_is_changed_and_deleted(seen: Seen) -> None:
    assert seen["queue_changed"] == ["first", True, "PAUSED"]
    assert seen["queue_deleted"] == "ObjectNotFound"
    assert seen["queue_status"] is False, "nobody has asked the queue for runs yet"


def test_a_worker_that_reports_itself_makes_its_pool_ready(seen: Seen) -> None:
    assert seen["workers"] == [["miller", "ONLINE"]]
    assert seen["pool_ready"] == "READY"


def test_a_deployment_is_made_once_and_read_back(seen: Seen) -> None:
    assert seen["same_deployment"]
    assert seen["deployment"] == ["hourly", {"count": 1}, ["contract"], "mill", "urgent", False]
    assert seen["deployment_schedules"] == [["hours", True, 3600]]
    assert seen["by_name"]
    assert seen["by_name_missing"] == "ObjectNotFound"
    assert seen["deployments_found"] == ["hourly"]
    assert seen["deployment_deleted"] == "ObjectNotFound"


def test_a_change_leaves_the_rest_of_a_deployment(seen: Seen) -> None:
    assert seen["deployment_changed"] == ["each hour", ["changed"], {"count": 1}]


def test_a_deployment_is_paused_and_resumed(seen: Seen) -> None:
    assert seen["paused"]
    assert seen["resumed"]


def test_parameters_that_do_not_fit_the_schema_are_refused(seen: Seen) -> None:
    assert seen["bad_parameters"] == "PrefectHTTPStatusError"


def test_schedules_are_added_changed_and_deleted(seen: Seen) -> None:
    assert seen["schedules_made"] == [["CronSchedule", True], ["RRuleSchedule", False]]
    assert seen["schedules"] == [["CronSchedule", False], ["IntervalSchedule", True], ["RRuleSchedule", False]]
    assert seen["schedules_left"] == 2


def test_a_run_of_a_deployment_waits_for_a_runner_and_for_a_worker(seen: Seen) -> None:
    assert seen["same_run"], "an idempotency key asks for the same run"
    assert seen["run"] == [{"count": 7}, ["changed", "made"], "urgent", "Scheduled", True]
    assert seen["for_runner"]
    assert seen["for_worker"]
    assert seen["run_deployment"] == [{"count": 2}, "SCHEDULED"]


def test_who_is_polled_is_ready(seen: Seen) -> None:
    assert seen["deployment_status"] == ["READY", True]
    assert seen["queue_polled"] == ["READY", True]
