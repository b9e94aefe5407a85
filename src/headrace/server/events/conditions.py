"""What each part of an event filter asks of the rows of the log, as SQL (contract §6.2).

Conditions speak of `events AS e`. Ids of resources are looked up in `event_resources`; labels and texts, which have
no index, are looked for in the documents of the rows that remain.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

from headrace.rules.event_matching import json_spelling
from headrace.rules.text_search import Terms, parse_terms
from headrace.server.store.base import Dialect
from headrace.wire.errors import Unprocessable
from headrace.wire.events import RESOURCE_ID, RESOURCE_ROLE
from headrace.wire.filters import (
    EventAnyResourceFilter,
    EventFilter,
    EventNameFilter,
    EventRelatedFilter,
    EventResourceFilter,
    ResourceSpecification,
)

LONGEST_PATTERN = 4_000
"""SQLite takes patterns of up to 50,000 bytes."""

AnyResource = EventResourceFilter | EventAnyResourceFilter


class Values:
    """The values of one statement, in the order of their placeholders."""

    def __init__(self) -> None:
        self.all: list[Any] = []

    def add(self, value: Any) -> str:
        """The placeholder of one more value."""
        self.all.append(value)
        return f"${len(self.all)}"


class Forms(ABC):
    """How one database says what the other says differently. `labels` is SQL of a JSON object of texts."""

    def __init__(self, values: Values) -> None:
        self._values = values

    def one_of(self, text: str, options: Sequence[Any]) -> str:
        """A value that is one of some; equality where there is just one, for an index's sake."""
        if len(options) == 1:
            return f"{text} = {self._values.add(options[0])}"
        return self._in_list(text, self._values.add(list(options)))

    def begins(self, text: str, prefixes: Sequence[str]) -> str:
        """A text that begins with one of these, as ranges in the order of an index."""
        return _either([self._begins(text, prefix) for prefix in prefixes])

    def _begins(self, text: str, prefix: str) -> str:
        if not prefix:
            return "TRUE"
        from_prefix, beyond = f"{text} >= {self._values.add(prefix)}", after_prefix(prefix)
        return from_prefix if beyond is None else f"({from_prefix} AND {text} < {self._values.add(beyond)})"

    def holds(self, value: str, patterns: str | list[str]) -> str:
        """A label's value that one of the patterns allows."""
        return _either([self._pattern(value, each) for each in ([patterns] if isinstance(patterns, str) else patterns)])

    def _pattern(self, value: str, pattern: str) -> str:
        if pattern.startswith("!"):
            return f"NOT ({self._literal_start(value, pattern[1:])})"
        return self._literal_start(value, pattern)

    def _literal_start(self, value: str, pattern: str) -> str:
        if "*" in pattern or "?" in pattern:
            if len(pattern) > LONGEST_PATTERN:
                raise Unprocessable(f"A pattern with wildcards is too long: it may have {LONGEST_PATTERN} letters.")
            return self._glob(value, pattern)
        return f"{value} = {self._values.add(pattern)}"

    @abstractmethod
    def _in_list(self, text: str, options: str) -> str: ...

    @abstractmethod
    def _glob(self, value: str, pattern: str) -> str: ...

    @abstractmethod
    def label(self, labels: str, name: str, patterns: str | list[str]) -> str:
        """The label is there and its value is allowed."""

    @abstractmethod
    def known(self, labels: str, name: str) -> str:
        """The value of a label of the contract's."""

    @abstractmethod
    def some_related(self, condition: str) -> str:
        """Some related resource meets a condition on `o.value`, its labels."""

    @abstractmethod
    def words(self) -> str:
        """The event's name and the values of all its labels, as one text in lower case."""

    @abstractmethod
    def documents(self) -> str:
        """The event's name and its resources as JSON, as one text in lower case: quicker to come by than `words`."""

    @abstractmethod
    def contains(self, text: str, part: str) -> str:
        """A text that contains a part, each in lower case."""


class PostgresForms(Forms):
    def _in_list(self, text: str, options: str) -> str:
        return f"{text} = ANY({options})"

    def _glob(self, value: str, pattern: str) -> str:
        escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"{value} LIKE {self._values.add(escaped.replace('*', '%').replace('?', '_'))}"

    def label(self, labels: str, name: str, patterns: str | list[str]) -> str:
        value = f"({labels} ->> {self._values.add(name)}::text)"
        return f"coalesce({self.holds(value, patterns)}, FALSE)"

    def known(self, labels: str, name: str) -> str:
        return f"({labels} ->> '{name}')"

    def some_related(self, condition: str) -> str:
        return f"EXISTS (SELECT 1 FROM jsonb_array_elements(e.related) AS o (value) WHERE {condition})"

    def words(self) -> str:
        return (
            "lower(e.event || ' ' || (SELECT string_agg(l.value, ' ') FROM jsonb_each_text(e.resource) AS l)"
            " || coalesce((SELECT string_agg(' ' || l.value, '')"
            " FROM jsonb_array_elements(e.related) AS o (value), jsonb_each_text(o.value) AS l), ''))"
        )

    def documents(self) -> str:
        return "lower(e.event || e.resource::text || e.related::text)"

    def contains(self, text: str, part: str) -> str:
        return f"strpos({text}, {self._values.add(part)}) > 0"


class SqliteForms(Forms):
    def _in_list(self, text: str, options: str) -> str:
        return f"{text} IN (SELECT value FROM json_each({options}))"

    def _glob(self, value: str, pattern: str) -> str:
        return f"{value} GLOB {self._values.add(pattern.replace('[', '[[]'))}"

    def label(self, labels: str, name: str, patterns: str | list[str]) -> str:
        # Asked for by key and not by path, as any text may be a label and not every text may stand in a path.
        key = self._values.add(name)
        return (
            f"EXISTS (SELECT 1 FROM json_each({labels}) AS l WHERE l.key = {key} AND {self.holds('l.value', patterns)})"
        )

    def known(self, labels: str, name: str) -> str:
        return f"""({labels} ->> '$."{name}"')"""

    def some_related(self, condition: str) -> str:
        return f"EXISTS (SELECT 1 FROM json_each(e.related) AS o WHERE {condition})"

    def words(self) -> str:
        return (
            "lower(e.event || ' ' || (SELECT group_concat(l.value, ' ') FROM json_each(e.resource) AS l)"
            " || coalesce((SELECT group_concat(' ' || l.value, '')"
            " FROM json_each(e.related) AS o, json_each(o.value) AS l), ''))"
        )

    def documents(self) -> str:
        return "lower(e.event || e.resource || e.related)"

    def contains(self, text: str, part: str) -> str:
        return f"instr({text}, {self._values.add(part)}) > 0"


def forms_of(dialect: Dialect, values: Values) -> Forms:
    """The forms of one database, whose values go among these."""
    return PostgresForms(values) if dialect is Dialect.POSTGRES else SqliteForms(values)


def after_prefix(prefix: str) -> str | None:
    """The least text, by code points, above all that begin with the prefix, or None if there is none above."""
    while prefix:
        last = ord(prefix[-1]) + 1
        if last <= 0x10FFFF:
            return prefix[:-1] + chr(0xE000 if last == 0xD800 else last)
        prefix = prefix[:-1]
    return None


def _either(options: Sequence[str]) -> str:
    return f"({' OR '.join(options)})" if options else "FALSE"


def _all(conditions: Sequence[str]) -> str:
    return " AND ".join(conditions)


def conditions(wanted: EventFilter, forms: Forms, answered: object = None) -> Iterator[str]:
    """What a filter asks of an event, but for its time and the criterion that is `answered` by other means."""
    if wanted.id is not None and wanted.id.id:
        yield forms.one_of("e.id", wanted.id.id)
    if wanted.event is not None:
        yield from _on_name(wanted.event, forms)
    if wanted.resource is not None and wanted.resource is not answered:
        yield from _of_resource(wanted.resource, "e.resource_id", "e.resource", forms)
    for related in each(wanted.related):
        if related is not answered:
            yield from _on_related(related, forms)
    for resource in each(wanted.any_resource):
        if resource is not answered:
            yield from _on_any(resource, forms)
    if wanted.text is not None:
        yield from _on_text(parse_terms(wanted.text.query), forms)


def each(given: Any) -> list[Any]:
    """The filters of one criterion, which is absent, one or a list."""
    if given is None:
        return []
    return given if isinstance(given, list) else [given]  # pyright: ignore[reportUnknownVariableType] - of filters


def _on_name(wanted: EventNameFilter, forms: Forms) -> Iterator[str]:
    if wanted.name:
        yield forms.one_of("e.event", wanted.name)
    if wanted.exclude_name:
        yield f"NOT ({forms.one_of('e.event', wanted.exclude_name)})"
    if wanted.prefix:
        yield forms.begins("e.event", wanted.prefix)
    if wanted.exclude_prefix:
        yield f"NOT {forms.begins('e.event', wanted.exclude_prefix)}"


def _on_labels(wanted: ResourceSpecification | None, labels: str, forms: Forms) -> Iterator[str]:
    for name, patterns in (wanted or {}).items():
        yield "FALSE" if patterns == [] else forms.label(labels, name, patterns)


def _on_any(wanted: AnyResource, forms: Forms) -> Iterator[str]:
    own = list(_of_resource(wanted, "e.resource_id", "e.resource", forms))
    if own:
        other = list(_of_resource(wanted, forms.known("o.value", RESOURCE_ID), "o.value", forms))
        yield f"(({_all(own)}) OR {forms.some_related(_all(other))})"


def _of_resource(wanted: AnyResource, id_: str, labels: str, forms: Forms) -> Iterator[str]:
    if wanted.id:
        yield forms.one_of(id_, wanted.id)
    if wanted.id_prefix:
        yield forms.begins(id_, wanted.id_prefix)
    yield from _on_labels(wanted.labels, labels, forms)


def _on_related(wanted: EventRelatedFilter, forms: Forms) -> Iterator[str]:
    """Who asks for the empty role means the event's own resource too."""
    other = list(_of_related(wanted, forms))
    if not other:
        return
    found = forms.some_related(_all(other))
    if "" not in (wanted.role or ()):
        yield found
        return
    own: list[str] = []
    if wanted.id:
        own.append(forms.one_of("e.resource_id", wanted.id))
    if wanted.resources_in_roles:
        ids = [name for name, role in wanted.resources_in_roles if not role]
        own.append(forms.one_of("e.resource_id", ids) if ids else "FALSE")
    own += _on_labels(wanted.labels, "e.resource", forms)
    yield f"({_all(own) or 'TRUE'} OR {found})"


def _of_related(wanted: EventRelatedFilter, forms: Forms) -> Iterator[str]:
    id_, role = forms.known("o.value", RESOURCE_ID), forms.known("o.value", RESOURCE_ROLE)
    if wanted.id:
        yield forms.one_of(id_, wanted.id)
    if wanted.role:
        yield forms.one_of(role, wanted.role)
    if wanted.resources_in_roles:
        pairs = [
            f"({forms.one_of(id_, [name])} AND {forms.one_of(role, [in_role])})"
            for name, in_role in wanted.resources_in_roles
        ]
        yield _either(pairs)
    yield from _on_labels(wanted.labels, "o.value", forms)


def _on_text(terms: Terms, forms: Forms) -> Iterator[str]:
    """Where a term is not in the documents, which cost little to look at, their values are not taken out of them."""
    words, documents, payload = forms.words(), forms.documents(), "lower(e.payload)"

    def found(term: str) -> str:
        longest = max(term.split(" "), key=len)
        in_payload = forms.contains(payload, json_spelling(term))
        return (
            f"({in_payload} OR ({forms.contains(documents, json_spelling(longest))} AND {forms.contains(words, term)}))"
        )

    if terms.wanted:
        yield _either([found(term) for term in terms.wanted])
    yield from (found(term) for term in terms.required)
    yield from (f"NOT {found(term)}" for term in terms.excluded)
