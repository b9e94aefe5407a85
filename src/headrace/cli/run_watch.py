"""News of the runs of one sitting: a line whenever a run enters another state."""

import os
import sys
from uuid import UUID

from headrace.cli.display import duration
from headrace.cli.session import client
from headrace.cli.states import state_style
from headrace.wire.errors import HeadraceError
from headrace.wire.filters import FlowFilter, FlowFilterId, FlowRunFilter, FlowRunFilterExpectedStartTime
from headrace.wire.flow_runs import FlowRun
from headrace.wire.sorts import FlowRunSort
from headrace.wire.times import now

_CODES = {"green": "32", "red": "31", "cyan": "36", "yellow": "33", "magenta": "35", "dim": "2"}


class RunWatch:
    """Remembers which state of each run was told, and tells the ones that came since."""

    def __init__(self) -> None:
        self._begun = now()
        self._told: dict[UUID, UUID | None] = {}
        self._flows: dict[UUID, str] = {}

    def tell_news(self) -> None:
        """Print a line for each run that is in another state than the last time."""
        try:
            with client() as api:
                runs = api.read_flow_runs(
                    flow_run_filter=FlowRunFilter(
                        expected_start_time=FlowRunFilterExpectedStartTime(after_=self._begun)
                    ),
                    sort=FlowRunSort.EXPECTED_START_TIME_ASC,
                    limit=None,
                )
                news = [run for run in runs if self._told.get(run.id) != run.state_id]
                if unknown := [run.flow_id for run in news if run.flow_id not in self._flows]:
                    flows = api.read_flows(flow_filter=FlowFilter(id=FlowFilterId(any_=unknown)))
                    self._flows |= {flow.id: flow.name for flow in flows}
        except HeadraceError:
            # The server is busy or gone for a moment; what happened meanwhile is told at the next look.
            return
        for run in news:
            self._told[run.id] = run.state_id
            print(self._line(run), flush=True)

    def _line(self, run: FlowRun) -> str:
        state = run.state_name or ""
        if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
            state = f"\x1b[{_CODES[state_style(run.state_type)]}m{state}\x1b[0m"
        took = f" after {duration(run.total_run_time)}" if run.end_time else ""
        return f"● {self._flows.get(run.flow_id, '')} / {run.name}: {state}{took}"
