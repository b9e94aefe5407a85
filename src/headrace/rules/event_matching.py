"""Which events a question is about: labels against patterns, and events against filters (contract §6.2).

A pattern is a text in which `*` stands for any characters and `?` for one. One that begins with `!` must not match
what comes after. Of a label's patterns one has to hold, of several labels each, and a label that a resource lacks
holds under no pattern. Letters match in their own case. An empty list constrains nothing, but for the patterns of a
label, where it matches nothing.

>>> matches({"prefect.resource.id": "prefect.flow-run.*", "team": ["data", "ml"]}, event.resource)
>>> wanted = compile_filter(EventFilter(event=EventNameFilter(prefix=["prefect.flow-run."])))
>>> [event for event in events if wanted(event)]
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

import msgspec

from headrace.rules.text_search import Terms, parse_terms
from headrace.wire.base import encode
from headrace.wire.events import RESOURCE_ID, RESOURCE_ROLE
from headrace.wire.filters.events import (
    EventAnyResourceFilter,
    EventFilter,
    EventNameFilter,
    EventOccurredFilter,
    EventRelatedFilter,
    EventResourceFilter,
)

Labels = Mapping[str, str]
Patterns = Mapping[str, str | list[str]]
TextTest = Callable[[str], bool]
LabelsTest = Callable[[Labels], bool]


class Matchable(Protocol):
    """What a filter looks at; the payload is an object or its JSON as `msgspec.Raw`."""

    @property
    def id(self) -> UUID: ...
    @property
    def occurred(self) -> datetime: ...
    @property
    def event(self) -> str: ...
    @property
    def resource(self) -> Labels: ...
    @property
    def related(self) -> Sequence[Labels]: ...
    @property
    def payload(self) -> Any: ...


EventTest = Callable[[Matchable], bool]


def matches(patterns: Patterns, labels: Labels) -> bool:
    """Whether a resource's labels hold under the patterns; without patterns any resource does.

    Who asks the same of many resources compiles the patterns once with `compile_labels`.
    """
    return compile_labels(patterns)(labels)


def compile_labels(patterns: Patterns) -> LabelsTest:
    """The test whether a resource's labels hold under the patterns."""
    tests = [(label, _any_text(alternatives)) for label, alternatives in patterns.items()]

    def hold(labels: Labels) -> bool:
        for label, test in tests:
            value = labels.get(label)
            if value is None or not test(value):
                return False
        return True

    return hold


def _any_text(patterns: str | list[str]) -> TextTest:
    tests = [compile_pattern(pattern) for pattern in ([patterns] if isinstance(patterns, str) else patterns)]
    if len(tests) == 1:
        return tests[0]
    return lambda text: any(test(text) for test in tests)


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> TextTest:
    """The test of one pattern.

    >>> compile_pattern("!prefect.*")("my.event")
    True
    """
    if pattern.startswith("!"):
        unwanted = _literal_start(pattern[1:])
        return lambda text: not unwanted(text)
    return _literal_start(pattern)


def _literal_start(pattern: str) -> TextTest:
    """The test of a pattern whose first letter, even if `!`, stands for itself."""
    if "*" not in pattern and "?" not in pattern:
        return pattern.__eq__
    first, *others = pattern.split("*")
    if not others:
        whole = _Piece(first)
        return lambda text: len(text) == whole.length and whole.is_at(text, 0)
    return _Stretches(first, others).fit


class _Piece:
    """Letters in a row, `?` for any of them."""

    __slots__ = ("_search", "_text", "length")

    def __init__(self, text: str) -> None:
        self._text, self.length = text, len(text)
        letters = "".join("." if sign == "?" else re.escape(sign) for sign in text)
        self._search = re.compile(letters, re.DOTALL) if "?" in text else None

    def is_at(self, text: str, at: int) -> bool:
        if self._search is None:
            return text.startswith(self._text, at)
        return self._search.match(text, at) is not None

    def find(self, text: str, at: int) -> int:
        """Where it is first from `at` on, or -1."""
        if self._search is None:
            return text.find(self._text, at)
        found = self._search.search(text, at)
        return -1 if found is None else found.start()


class _Stretches:
    """A pattern with `*`: pieces between stretches of any letters.

    Taking each piece where it comes first is enough, so the time a text takes is no more than its length times that
    of a piece, however many stretches there are; a regular expression would try every way to part it.
    """

    __slots__ = ("_first", "_last", "_least", "_middle")

    def __init__(self, first: str, others: Sequence[str]) -> None:
        self._first, self._last = _Piece(first), _Piece(others[-1])
        self._middle = [_Piece(text) for text in others[:-1] if text]
        self._least = self._first.length + self._last.length

    def fit(self, text: str) -> bool:
        end = len(text) - self._last.length
        if len(text) < self._least or not self._first.is_at(text, 0) or not self._last.is_at(text, end):
            return False
        at = self._first.length
        for piece in self._middle:
            found = piece.find(text, at)
            if found < 0:
                return False
            at = found + piece.length
        return at <= end


def compile_filter(wanted: EventFilter, *, related: bool = True) -> EventTest:
    """The test whether an event is one that the filter asks for.

    With `related` false the criterion on related resources is passed over, as in live streams (contract §2). Order and
    `distinct` speak of lists, not of events, and are never looked at.
    """
    tests = tuple(_tests(wanted, related))
    if len(tests) == 1:
        return tests[0]
    return lambda event: all(test(event) for test in tests)


def _tests(wanted: EventFilter, related: bool) -> Iterator[EventTest]:
    """One test for each criterion that constrains, the cheapest first."""
    if wanted.id is not None and wanted.id.id:
        yield _on_id(frozenset(wanted.id.id))
    if wanted.event is not None:
        yield from _on_name(wanted.event)
    if wanted.occurred is not None:
        yield from _on_time(wanted.occurred)
    if wanted.resource is not None:
        yield from _on_resource(wanted.resource)
    if related:
        yield from (_on_related(given) for given in _each(wanted.related))
    yield from (_on_any(given) for given in _each(wanted.any_resource))
    if wanted.text is not None and (terms := parse_terms(wanted.text.query)) != Terms():
        yield lambda event: in_event(terms, event)


def _each(given: Any) -> list[Any]:
    """The filters of one criterion, which is absent, one or a list."""
    if given is None:
        return []
    return given if isinstance(given, list) else [given]  # pyright: ignore[reportUnknownVariableType] - of filters


def _on_id(ids: frozenset[UUID]) -> EventTest:
    return lambda event: event.id in ids


def _on_name(wanted: EventNameFilter) -> Iterator[EventTest]:
    if wanted.name:
        names = frozenset(wanted.name)
        yield lambda event: event.event in names
    if wanted.exclude_name:
        excluded = frozenset(wanted.exclude_name)
        yield lambda event: event.event not in excluded
    if wanted.prefix:
        prefixes = tuple(wanted.prefix)
        yield lambda event: event.event.startswith(prefixes)
    if wanted.exclude_prefix:
        unwanted = tuple(wanted.exclude_prefix)
        yield lambda event: not event.event.startswith(unwanted)


def _on_time(wanted: EventOccurredFilter) -> Iterator[EventTest]:
    if (since := wanted.since) is not None:
        yield lambda event: event.occurred >= since
    if (until := wanted.until) is not None:
        yield lambda event: event.occurred <= until


def _on_resource(wanted: EventResourceFilter) -> Iterator[EventTest]:
    test = _resource_test(wanted)
    if test is not None:
        yield lambda event: test(event.resource)


def _on_any(wanted: EventAnyResourceFilter) -> EventTest:
    test = _resource_test(wanted)
    if test is None:
        return lambda event: True
    return lambda event: test(event.resource) or any(test(resource) for resource in event.related)


def _resource_test(wanted: EventResourceFilter | EventAnyResourceFilter) -> LabelsTest | None:
    """All that is asked of one resource, or None if nothing is."""
    tests: list[LabelsTest] = []
    if wanted.id:
        ids = frozenset(wanted.id)
        tests.append(lambda labels: labels[RESOURCE_ID] in ids)
    if wanted.id_prefix:
        prefixes = tuple(wanted.id_prefix)
        tests.append(lambda labels: labels[RESOURCE_ID].startswith(prefixes))
    if wanted.labels:
        tests.append(compile_labels(wanted.labels))
    return _all_of(tests)


def _on_related(wanted: EventRelatedFilter) -> EventTest:
    """Some related resource meets all of it. Who asks for the empty role means the event's own resource too."""
    ids, pairs, roles = (frozenset(given or ()) for given in (wanted.id, wanted.resources_in_roles, wanted.role))
    hold = compile_labels(wanted.labels or {})
    if not (ids or pairs or roles or wanted.labels):
        return lambda event: True

    def meets(role: str, labels: Labels) -> bool:
        name = labels[RESOURCE_ID]
        return (
            (not ids or name in ids)
            and (not pairs or (name, role) in pairs)
            and (not roles or role in roles)
            and hold(labels)
        )

    def test(event: Matchable) -> bool:
        if any(meets(labels[RESOURCE_ROLE], labels) for labels in event.related):
            return True
        return "" in roles and meets("", event.resource)

    return test


def _all_of(tests: Sequence[LabelsTest]) -> LabelsTest | None:
    match tests:
        case []:
            return None
        case [test]:
            return test
        case _:
            return lambda labels: all(test(labels) for test in tests)


def in_event(terms: Terms, event: Matchable) -> bool:
    """Whether a text search finds the event: in its name and the values of its labels, or in its payload.

    In the payload, which is JSON, a term is looked for as JSON spells it.
    """
    values = [event.event, *event.resource.values(), *(value for labels in event.related for value in labels.values())]
    payload = bytes(event.payload) if isinstance(event.payload, msgspec.Raw) else encode(event.payload)
    texts = (" ".join(values).lower(), payload.decode().lower())

    def found(term: str) -> bool:
        return term in texts[0] or json_spelling(term) in texts[1]

    return (
        (not terms.wanted or any(map(found, terms.wanted)))
        and all(map(found, terms.required))
        and not any(map(found, terms.excluded))
    )


@lru_cache(maxsize=1024)
def json_spelling(term: str) -> str:
    """A text as it stands inside of a JSON string, in lower case."""
    return encode(term)[1:-1].decode().lower()
