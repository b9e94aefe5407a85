"""Causal order through real faults: the server is killed while events come, and while they are handled."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.causality import SCENARIOS, run
from headrace.settings import Settings
from tests.processes import serving

EVENTS = 1_500
OFF = {"HEADRACE_SERVER_SERVICES_ACTIONS_ENABLED": "false"}


@dataclass(frozen=True)
class Served:
    url: str
    pid: int


@pytest.mark.parametrize("kind", SCENARIOS)
async def test_each_event_is_handled_once_and_after_the_one_it_follows(
    kind: str, database_settings: Settings, tmp_path: Path
) -> None:
    """`python -m benchmarks.causality` shows it for 10,000."""

    @contextmanager
    def start() -> Iterator[Served]:
        with serving(tmp_path, database_settings.server.database.url, settings=OFF) as server:
            yield Served(server.api_url, server.process.pid)

    outcome = await run(SCENARIOS[kind](EVENTS), database_settings, start)
    assert outcome.fired == outcome.expected
