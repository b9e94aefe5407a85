"""The service that runs retention policies, once in a while each."""

import logging
import time
from typing import ClassVar

from headrace.rules.retention_policies import Kind, is_due
from headrace.server.retention import running, service
from headrace.server.services.exclusive import ExclusiveService
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.times import now

_LOOKS = 60.0
"""Seconds between two looks at which policies are due: a new one is to run soon."""
_log = logging.getLogger("headrace.server.retention")


class RetentionKeeper(ExclusiveService):
    """Runs the policies that are due. Events are ended all the time, by the service that takes them in."""

    name: ClassVar[str] = "retention"

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self._between_runs = settings.server.services.retention.loop_seconds
        self.interval = min(self._between_runs, _LOOKS)

    async def tick(self) -> bool:
        """Run each policy that is due, for a second at most; True if one has more to do."""
        moment = now()
        policies = await service.list_policies(self.store)
        rules = service.rules_of(policies)
        more = False
        for policy, rule in zip(policies, rules, strict=True):
            if rule.about.kind is Kind.EVENTS:
                continue
            if not is_due(policy.last_run, policy.started, moment, self._between_runs):
                continue
            until = time.monotonic() + running.BUDGET
            done = await running.run_one(self.store, self.settings, rule, rules, moment, until)
            if done.operation_id or done.removed:
                facts = {"policy": done.name, "operation": str(done.operation_id or ""), "removed": done.removed}
                _log.info("retention_ran", extra=facts)
            more = more or done.more
        return more
