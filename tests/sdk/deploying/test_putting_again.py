"""Whatever a deployment is described as: once it is made so, it is left alone."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.client.orchestration import SyncHeadraceClient
from headrace.schedules import Cron, Interval, RRule
from headrace.sdk.deploying.putting import Change
from headrace.sdk.runner_deployment import apply_to
from headrace.wire.deployments import ConcurrencyLimitStrategy, ConcurrencyOptions
from tests.sdk.deploying.samples import loads

WORDS = st.text("abc-_ 1", min_size=1, max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-1, 1) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
)
VALUES = st.dictionaries(WORDS, JSON, max_size=2)
COMMON = st.fixed_dictionaries(
    {},
    optional={
        "timezone": st.sampled_from(["UTC", "Europe/Vienna"]),
        "active": st.booleans(),
        "parameters": VALUES,
        "catchup": st.sampled_from(["none", "latest", "all"]),
        "max_queued": st.none() | st.integers(1, 3),
        "if_running": st.sampled_from(["start", "skip", "cancel_running"]),
    },
)
CRONS = st.sampled_from(["@daily", "0 3 * * 1-5", "*/5 * * * *"])
RULES = st.sampled_from(["FREQ=DAILY", "FREQ=MONTHLY;BYDAY=-1FR"])
SCHEDULES = st.one_of(
    st.builds(lambda cron, common: Cron(cron, **common), CRONS, COMMON),
    st.builds(lambda every, common: Interval(every, **common), st.sampled_from([0.5, 60, 3600, 86_400]), COMMON),
    st.builds(lambda rule, common: RRule(rule, **common), RULES, COMMON),
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "schedules": st.lists(SCHEDULES, max_size=3),
        "paused": st.booleans(),
        "parameters": VALUES,
        "description": st.none() | WORDS,
        "tags": st.lists(WORDS, max_size=3),
        "version": st.none() | WORDS,
        "enforce_parameter_schema": st.booleans(),
        "concurrency_limit": st.none() | st.integers(1, 3),
        "concurrency_options": st.none()
        | st.sampled_from(list(ConcurrencyLimitStrategy)).map(
            lambda strategy: ConcurrencyOptions(collision_strategy=strategy)
        ),
        "triggers": st.lists(st.builds(lambda word: {"type": "event", "expect": [word]}, WORDS), max_size=2),
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(OPTIONS)
def test_what_is_as_described_is_left_alone(recorded: SyncHeadraceClient, options: dict[str, Any]) -> None:
    first = apply_to(recorded, loads.to_deployment("nightly", **options))
    second = apply_to(recorded, loads.to_deployment("nightly", **options))
    assert (second.change, second.fields) == (Change.UNCHANGED, ())
    assert second.deployment.id == first.deployment.id
    assert second.deployment.updated == first.deployment.updated
