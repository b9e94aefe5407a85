# Generated from _async/retention.py by scripts/unasync.py; change that file, not this one.
"""Calls about for how long things are kept."""

from collections.abc import Iterable
from urllib.parse import quote

from headrace.client._sync.base import Part
from headrace.wire.retention import (
    RetentionForecast,
    RetentionPolicy,
    RetentionPolicyDraft,
    RetentionPolicyUpdate,
    RetentionPreviewRequest,
    RetentionRun,
    RetentionRunRequest,
)


class RetentionCalls(Part):
    """What only a headrace server has; Prefect's answers `ObjectNotFound`."""

    def read_retention_policies(self) -> list[RetentionPolicy]:
        """The policies that are set, by the name of the class each is for."""
        return self._call("GET", "/x/retention/policies", list[RetentionPolicy])

    def read_retention_policy(self, name: str) -> RetentionPolicy:
        """The policy that is set for a class, such as `flow_runs.failed`. Raises `ObjectNotFound`."""
        return self._call("GET", _path(name), RetentionPolicy)

    def set_retention_policy(
        self, name: str, *, max_age: float | None = None, keep_last: int | None = None
    ) -> RetentionPolicy:
        """Keep things of a class for so many seconds, and the last so many however old they are.

        Raises `Unprocessable` for what is no class, and for a policy that its class cannot have.
        """
        body = RetentionPolicyUpdate(max_age=max_age, keep_last=keep_last)
        return self._call("PUT", _path(name), RetentionPolicy, body=body)

    def delete_retention_policy(self, name: str) -> None:
        """Set nothing for a class any more. Raises `ObjectNotFound`."""
        self._tell("DELETE", _path(name))

    def preview_retention(self, policies: Iterable[RetentionPolicyDraft] | None = None) -> list[RetentionForecast]:
        """What policies would remove now: those that are set, or drafts of some."""
        body = RetentionPreviewRequest(policies=None if policies is None else list(policies))
        return self._call("POST", "/x/retention/preview", list[RetentionForecast], body=body)

    def run_retention(self, names: Iterable[str] | None = None) -> list[RetentionRun]:
        """Run policies now, by default all; one that has more to do after a second says so."""
        body = RetentionRunRequest(names=None if names is None else list(names))
        return self._call("POST", "/x/retention/run", list[RetentionRun], body=body)


def _path(name: str) -> str:
    return f"/x/retention/policies/{quote(name, safe='')}"
