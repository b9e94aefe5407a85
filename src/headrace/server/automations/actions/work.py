"""What an executor is given, and how it says that an action cannot be carried out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from headrace.rules.action_targets import noun_of, target
from headrace.server.automations.actions import claims
from headrace.server.automations.actions.queries import Job
from headrace.server.automations.events import Ending
from headrace.server.states.proposals import Asker
from headrace.server.store.base import Connection, Store
from headrace.settings import Settings
from headrace.wire.automations import Automation
from headrace.wire.errors import HeadraceError
from headrace.wire.events import Resource
from headrace.wire.flow_runs import CreatedBy


class ActionFailed(HeadraceError):
    """An action cannot be carried out; `again` if trying once more may help.

    `result` and `related` are told with the failure, as they are with a success.
    """

    code = "action_failed"

    def __init__(
        self,
        reason: str,
        result: Mapping[str, Any] | None = None,
        related: Sequence[Resource] = (),
        *,
        again: bool = False,
    ) -> None:
        super().__init__(reason)
        self.ending = Ending(reason=reason, result=dict(result or {}), related=related)
        self.again = again


class ClaimLost(HeadraceError):
    """Another server has claimed the action since: what this attempt was about to write must not be written."""

    code = "claim_lost"


class Work(msgspec.Struct, frozen=True):
    """One attempt to carry out an action, begun at `now`."""

    store: Store
    settings: Settings
    job: Job
    now: datetime

    @property
    def automation(self) -> Automation:
        """The automation that fired, as it was then."""
        return self.job.cause.automation

    @property
    def asker(self) -> Asker:
        """Who proposes states on behalf of the automation."""
        by = CreatedBy(id=self.automation.id, type="AUTOMATION", display_value=self.automation.name)
        return Asker.server(self.settings, self.now, by)

    @property
    def is_repeated(self) -> bool:
        """Whether an attempt before this one may have had its effect."""
        return self.job.attempts > 1

    def target(self) -> UUID:
        """The id of what the action works on. Raises `ActionFailed` if nothing can be inferred."""
        action = self.job.action
        found = target(action, self.job.event, self.job.cause.firing.triggering_labels)
        if found is None:
            noun = (noun_of(action) or "target").replace("-", " ")
            raise ActionFailed(f"No {noun} could be inferred")
        return found.id

    async def end_within(self, transaction: Connection, ending: Ending) -> None:
        """End the action in the transaction of its effect, so that the effect is had once. Raises `ClaimLost`."""
        if not await claims.end(transaction, self.job, ending, self.now):
            raise ClaimLost(f"The action {self.job.id} has been claimed by another server.")
