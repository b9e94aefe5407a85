"""How the filter of one noun constrains the rows of another: there has to be a related row that it matches.

`LINKS` says which nouns are related and how, from the point of view of the rows that are asked for. Filters
met along one link speak of the same related row: flows with a task run filter and a flow run filter have a
run that matches the one and has a task run that matches the other (contract §5).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement as Expression
from sqlalchemy import Table, exists, select

from headrace.server.filters.criteria import Part, any_of
from headrace.server.filters.forms import ONE, Condition
from headrace.server.filters.nouns import condition
from headrace.server.filters.shown import shown
from headrace.server.store.tables import METADATA

Parts = Mapping[str, Part]


@dataclass(frozen=True)
class Link:
    """A related noun: the one that our `key` points at, or, unless `is_ours`, those whose `key` points at us."""

    noun: str
    key: str
    is_ours: bool
    links: tuple["Link", ...]

    @property
    def reach(self) -> set[str]:
        """The nouns that are related by this link."""
        return {self.noun}.union(*(link.reach for link in self.links))


def of(noun: str, key: str, *links: Link) -> Link:
    """Rows of ours belong to one of that noun, by our `key`."""
    return Link(noun, key, True, links)


def has(noun: str, key: str, *links: Link) -> Link:
    """Rows of that noun belong to ours, by their `key`."""
    return Link(noun, key, False, links)


_TASK_RUNS = has("task_runs", "flow_run_id")
_POOL = of("work_pools", "work_pool_id")
_QUEUE = of("work_queues", "work_queue_id", _POOL)
_FLOW = of("flows", "flow_id")
_DEPLOYMENT = of("deployments", "deployment_id")
_RUN = of("flow_runs", "flow_run_id", _FLOW, _DEPLOYMENT, _QUEUE)

LINKS: dict[str, tuple[Link, ...]] = {
    "flows": (has("flow_runs", "flow_id", _TASK_RUNS), has("deployments", "flow_id", _QUEUE)),
    "flow_runs": (_FLOW, _DEPLOYMENT, _QUEUE, _TASK_RUNS),
    "task_runs": (_RUN,),
    "deployments": (_FLOW, _QUEUE, has("flow_runs", "deployment_id", _TASK_RUNS)),
    "work_queues": (_POOL,),
    "workers": (_POOL,),
    "artifacts": (_RUN, of("task_runs", "task_run_id")),
    "artifact_collections": (_RUN, of("task_runs", "task_run_id")),
    "block_documents": (of("block_types", "block_type_id"), of("block_schemas", "block_schema_id")),
    "block_types": (has("block_schemas", "block_type_id"),),
}
_MANY = frozenset({"flow_runs", "task_runs"})
"""Nouns with so many rows that finding those of a few named objects first can be the longer way."""


def conditions(noun: str, parts: Parts) -> list[Condition]:
    """All that the given filters ask of the rows of a noun.

    Raises `NotImplementedError` for a filter of a noun that is not related: it would be passed over in silence.
    """
    links = LINKS.get(noun, ())
    if unrelated := parts.keys() - {noun}.union(*(link.reach for link in links)):
        raise NotImplementedError(f"{noun} cannot be found by filters of {', '.join(sorted(unrelated))}")
    own = [condition(noun, parts[noun])] if noun in parts else []
    return [*own, *_asked(METADATA.tables[noun], links, parts)]


def _asked(table: Table, links: tuple[Link, ...], parts: Parts) -> Iterator[Condition]:
    """What the filters of related nouns ask of the table's rows."""
    for link in links:
        other = METADATA.tables[link.noun]
        part = parts.get(link.noun)
        own = [] if part is None else [condition(link.noun, part)]
        inner = [*own, *_asked(other, link.links, parts)]
        if not inner:
            continue
        if not link.is_ours:
            yield _exists(table, link.noun, other.c[link.key] == table.c.id, inner)
            continue
        key = table.c[link.key]
        if part is not None:
            yield from _implied(part, key)
        if _is_narrow(link, parts):
            yield key.in_(select(other.c.id).where(*shown(link.noun, other), *inner))
        else:
            yield _exists(table, link.noun, other.c.id == key, inner)


def _implied(part: Part, key: Expression[Any]) -> list[Condition]:
    """What a filter by id says about the key that points there, so that the key's index serves."""
    if part.has("id") and not part.alternative and part.nested("id").has("any_"):
        return [any_of(part.nested("id"), "any_", key)]
    return []


def _exists(table: Table, noun: str, related: Condition, inner: list[Condition]) -> Condition:
    """Some row of the other noun that is shown is related and matches."""
    other = METADATA.tables[noun]
    return exists(select(ONE).select_from(other).where(related, *shown(noun, other), *inner).correlate(table))


def _is_narrow(link: Link, parts: Parts) -> bool:
    """Whether the filters name their few objects, so that finding them first is the shorter way."""
    part = parts.get(link.noun)
    if part is not None and _is_named(part):
        return True
    return link.noun not in _MANY and any(_is_narrow(deeper, parts) for deeper in link.links if deeper.is_ours)


def _is_named(part: Part) -> bool:
    return not part.alternative and any(part.has(name) and part.nested(name).has("any_") for name in ("id", "name"))
