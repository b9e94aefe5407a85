"""Which flow runs are meant, as the options of commands say it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from headrace.cli.display import seconds_of
from headrace.cli.errors import UsageError
from headrace.cli.states import types_and_names
from headrace.wire.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterName,
    FlowRunFilterStartTime,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    Operator,
)
from headrace.wire.times import now


class RunFilters(msgspec.Struct, frozen=True):
    """What was asked for: any of the states and flows, all of the tags, and so on; None where it does not matter."""

    states: Sequence[str] | None = None
    tags: Sequence[str] | None = None
    flows: Sequence[str] | None = None
    name: str | None = None
    since: str | None = None
    older_than: str | None = None

    def of_runs(self) -> FlowRunFilter | None:
        """The filter of flow runs; None if it would let all pass. Raises `UsageError` for what is no length of time."""
        chosen = FlowRunFilter()
        if self.states:
            types, names = types_and_names(self.states)
            chosen.state = FlowRunFilterState(
                operator=Operator.or_,
                type=FlowRunFilterStateType(any_=types) if types else None,
                name=FlowRunFilterStateName(any_=names) if names else None,
            )
        if self.tags:
            chosen.tags = FlowRunFilterTags(all_=list(self.tags))
        if self.name:
            chosen.name = FlowRunFilterName(like_=self.name)
        if self.since or self.older_than:
            chosen.start_time = FlowRunFilterStartTime(after_=_before(self.since), before_=_before(self.older_than))
        return chosen if chosen != FlowRunFilter() else None

    def of_flows(self) -> FlowFilter | None:
        """The filter of their flows."""
        return FlowFilter(name=FlowFilterName(any_=list(self.flows))) if self.flows else None


def _before(length: str | None) -> datetime | None:
    if not length:
        return None
    try:
        return now() - timedelta(seconds=seconds_of(length))
    except (ValueError, OverflowError) as error:
        raise UsageError(str(error)) from None
