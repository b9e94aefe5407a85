"""The ids that a target stands for, page by page, and how many they are."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from headrace.server.filters import Query
from headrace.server.store.base import Dialect, Statement
from headrace.server.store.rows import Kind, Reader
from headrace.wire.errors import InvalidRequest
from headrace.wire.filters import Filter
from headrace.wire.operations import OperationNoun, Target, TargetFilters

FIRST = UUID(int=0)
_PAGE = "{{matching}} AND {noun}.id > {{after}} ORDER BY {noun}.id LIMIT {{limit}}"
_PAGE_BEFORE = _PAGE.replace(" ORDER", " AND {noun}.created <= {{before}} ORDER")


def _queries(columns: str, around: str, *extras: str) -> dict[OperationNoun, Query]:
    return {
        noun: Query(noun, columns.format(noun=noun), around.format(noun=noun), extras=extras) for noun in OperationNoun
    }


PAGES = _queries("{noun}.id", _PAGE, "after", "limit")
PAGES_BEFORE = _queries("{noun}.id", _PAGE_BEFORE, "after", "before", "limit")
COUNTS = _queries("{noun}.id", "SELECT count(*) FROM ({{matching}}) AS matching")
NEWEST = _queries("{noun}.id", "{{matching}} ORDER BY {noun}.id DESC LIMIT 1")


def _id(*, id: UUID) -> UUID:
    return id


IDS = Reader(_id, {"id": Kind.UUID})
Given = Mapping[str, Filter | None]


def filters_of(noun: OperationNoun, target: Target) -> Given:
    """The filters that match what the target names; none at all match everything."""
    match target:
        case Target(ids=list() as ids):
            return dict(msgspec.convert({noun.value: {"id": {"any_": ids}}}, TargetFilters).all())
        case Target(filters=TargetFilters() as filters):
            return dict(filters.all())
        case _:
            return {}


def bind(
    queries: Mapping[OperationNoun, Query], dialect: Dialect, noun: OperationNoun, given: Given, **extras: Any
) -> tuple[Statement, list[Any]]:
    """The statement for these filters, with its values. Raises `InvalidRequest` for filters of unrelated nouns."""
    try:
        return queries[noun].bind(dialect, given, **extras)
    except NotImplementedError as error:
        raise InvalidRequest(f"{error}: leave them out.", ("body", "target", "filters")) from None


def check(dialect: Dialect, noun: OperationNoun, given: Given) -> None:
    """Raise `InvalidRequest` for filters of nouns that are not related to this one."""
    bind(COUNTS, dialect, noun, given)
