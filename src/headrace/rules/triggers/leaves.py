"""Event triggers, compiled: which events they look at, and under which key each is counted."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from headrace.rules.event_matching import Labels, compile_labels
from headrace.wire.base import encode_text
from headrace.wire.events import RESOURCE_ROLE, ReceivedEvent
from headrace.wire.triggers import EventTrigger

NO_KEY = "[]"
"""The key of a trigger that counts all its events together."""

_RELATED = "related"

NameTest = Callable[[str], bool]


class Occurrence(Protocol):
    """An event as triggers look at it; most are never looked at whole."""

    @property
    def id(self) -> UUID: ...
    @property
    def event(self) -> str: ...
    @property
    def occurred(self) -> datetime: ...
    @property
    def received(self) -> datetime: ...
    @property
    def resource(self) -> Labels: ...
    @property
    def related(self) -> Sequence[Labels]: ...

    def whole(self) -> ReceivedEvent:
        """The event with all that belongs to it."""
        ...


class Leaf:
    """One event trigger.

    In names `*` stands for at least one character. Without `expect` every name is expected.
    """

    __slots__ = ("_label_of", "_matches", "_matches_related", "expects", "starts", "trigger")

    def __init__(self, trigger: EventTrigger) -> None:
        self.trigger = trigger
        self.expects: NameTest = _names(trigger.expect) if trigger.expect else _every_name
        self.starts: NameTest = _names(trigger.after) if trigger.after else _no_name
        self._matches = compile_labels(trigger.match)
        self._matches_related = [compile_labels(specification) for specification in trigger.related]
        self._label_of = [_label(place) for place in trigger.for_each]

    def looks_at(self, name: str) -> bool:
        """Whether events of that name can concern it."""
        return self.expects(name) or self.starts(name)

    def concerns(self, occurrence: Occurrence) -> bool:
        """Whether the event, whose name it looks at, is about the resources it asks for."""
        return self._matches(occurrence.resource) and all(
            any(test(labels) for labels in occurrence.related) for test in self._matches_related
        )

    def key(self, occurrence: Occurrence) -> str:
        """The values of the labels of `for_each`, as a JSON list; a label that is missing counts as empty."""
        return encode_text([label_of(occurrence) for label_of in self._label_of]) if self._label_of else NO_KEY

    def labels(self, values: Sequence[str]) -> dict[str, str]:
        """The labels of `for_each` with the values of a key."""
        return dict(zip(self.trigger.for_each, values, strict=False))


def _names(patterns: Sequence[str]) -> NameTest:
    plain = frozenset(pattern for pattern in patterns if "*" not in pattern)
    globs = [
        re.compile(".+".join(map(re.escape, pattern.split("*"))), re.DOTALL).fullmatch
        for pattern in patterns
        if "*" in pattern
    ]
    return lambda name: name in plain or any(match(name) for match in globs)


def _every_name(name: str) -> bool:
    return True


def _no_name(name: str) -> bool:
    return False


def _label(place: str) -> Callable[[Occurrence], str]:
    """How to find a label of the event's resource, or of a related one written as `related:<role>:<label>`."""
    kind, _, rest = place.partition(":")
    role, colon, label = rest.partition(":")
    if kind != _RELATED or not colon:
        return lambda occurrence: occurrence.resource.get(place, "")

    def of_related(occurrence: Occurrence) -> str:
        for labels in occurrence.related:
            if labels.get(RESOURCE_ROLE) == role and label in labels:
                return labels[label]
        return ""

    return of_related
