"""A log to ask questions of, and the questions: filters of every criterion and combination."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from headrace.wire.events import RESOURCE_ID, RESOURCE_ROLE, Event

NOON = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)

_NAMES = ("a.one", "a.two", "b.one", "b.o_e", "B.One", "b.%", "ü.one", "ü.\U0001f600")
_IDS = ("x.1", "x.2", "x.10", "y.%1", "Y.1", "z", 'q"uote', "ü.1")
_ROLES = ("flow", "tag", "Flow", "work-pool")
_LABELS = ("color", "n", 'odd "la.bel', "$.path", "0", "prefect.resource.name")
_TEXTS = ("red", "Red", "re*d", "", "!red", "blue", "a\\b", "r[ae]d", "line\nbreak", "50%", "A_c", 'say "hi"')
_PAYLOADS: tuple[Any, ...] = ({}, {"k": "red"}, {"deep": {"Zed": [1, "two words"]}}, {"say": 'a "red" \\ hat'})


def make_log(size: int = 90) -> list[Event]:
    """Events with letters, signs and wildcards where they may be; some occurred at the same moment."""
    chance = Random(4)

    def labels(name: str) -> dict[str, str]:
        given = chance.sample(_LABELS, chance.randint(0, 3))
        return {RESOURCE_ID: name} | {label: chance.choice(_TEXTS) for label in given}

    return [
        Event(
            id=UUID(int=number),
            occurred=NOON + timedelta(seconds=chance.randint(0, size // 2)),
            event=chance.choice(_NAMES),
            resource=labels(chance.choice(_IDS)),
            related=[
                labels(chance.choice(_IDS)) | {RESOURCE_ROLE: chance.choice(_ROLES)}
                for _ in range(chance.choice((0, 0, 1, 2, 3)))
            ],
            payload=chance.choice(_PAYLOADS),
            follows=UUID(int=number - 1) if number % 3 == 0 else None,
        )
        for number in range(1, size + 1)
    ]


def _some(values: tuple[str, ...], *more: str) -> st.SearchStrategy[list[str] | None]:
    return st.none() | st.lists(st.sampled_from((*values, *more)), max_size=3)


_pattern = st.sampled_from(
    (*_TEXTS, "re*", "r?d", "*", "?*", "!*", "!r*", "!!red", "*%", "[!x]*", "*\n*", "!blue", "\\*")
)
_labels = st.dictionaries(
    st.sampled_from((*_LABELS, RESOURCE_ID, RESOURCE_ROLE, "missing")),
    _pattern | st.lists(_pattern, max_size=3) | st.sampled_from(("x.*", "!x.1", "flow")),
    max_size=2,
)
_optional_labels = st.none() | _labels
_ids, _prefixes = _some(_IDS, "nowhere"), _some(_IDS, "x", "", "y.%", "ü", "\U0010ffff")
_any_resource = st.fixed_dictionaries({}, optional={"id": _ids, "id_prefix": _prefixes, "labels": _optional_labels})
_related = st.fixed_dictionaries(
    {},
    optional={
        "id": _ids,
        "role": _some(_ROLES, ""),
        "resources_in_roles": st.none()
        | st.lists(st.tuples(st.sampled_from(_IDS), st.sampled_from((*_ROLES, ""))), max_size=3),
        "labels": _optional_labels,
    },
)
_event_id = st.integers(1, 120).map(lambda number: str(UUID(int=number)))
_moment = st.integers(-5, 50).map(lambda seconds: (NOON + timedelta(seconds=seconds)).isoformat())
_term = st.builds(
    "{}{}".format,
    st.sampled_from(("", "", "+", "-", "!")),
    st.sampled_from(
        ("red", "RED", "one", "x.1", "flow", '"two words"', "zed", r'"say \"hi\""', r'"\"red\""', "%", "\\", "a")
    ),
)

_name = st.fixed_dictionaries(
    {},
    optional={
        "name": _some(_NAMES, "nothing"),
        "exclude_name": _some(_NAMES),
        "prefix": _some(_NAMES, "a.", "b", "", "%", "ü"),
        "exclude_prefix": _some(_NAMES, "a.", "B", "b._"),
    },
)
_resource = st.fixed_dictionaries(
    {}, optional={"id": _ids, "id_prefix": _prefixes, "labels": _optional_labels, "distinct": st.booleans()}
)
_CRITERIA: dict[str, st.SearchStrategy[Any]] = {
    "occurred": st.fixed_dictionaries({}, optional={"since": _moment, "until": _moment}),
    "event": _name,
    "resource": _resource,
    "related": _related | st.lists(_related, max_size=2),
    "any_resource": _any_resource | st.lists(_any_resource, max_size=2),
    "id": st.fixed_dictionaries({"id": st.none() | st.lists(_event_id, max_size=5)}),
    "text": st.lists(_term, max_size=3).map(lambda terms: {"query": " ".join(terms)}),
}
_order = {"order": st.sampled_from(("ASC", "DESC"))}

criteria: st.SearchStrategy[dict[str, Any]] = st.one_of(
    *(st.fixed_dictionaries({name: criterion} | _order) for name, criterion in _CRITERIA.items()),
    st.fixed_dictionaries(_order, optional=_CRITERIA),
)
"""Filters as JSON: of one criterion, and of several."""
