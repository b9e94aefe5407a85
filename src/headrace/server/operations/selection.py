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
from headrace.wire.operations import OperationKind, OperationNoun, Target, TargetFilters

FIRST = UUID(int=0)
_PAGE = "{{matching}} AND {noun}.id > {{after}} ORDER BY {noun}.id LIMIT {{limit}}"
_PAGE_BEFORE = _PAGE.replace(" ORDER", " AND {noun}.created <= {{before}} ORDER")
_OVER_TRASH = (OperationKind.RESTORE, OperationKind.PURGE)

Given = Mapping[str, Filter | None]
Queries = Mapping[tuple[OperationNoun, bool], Query]
"""A statement for each noun, over what is shown and over what is in the trash."""


def queries(columns: str, around: str, *extras: str, sqlite: str | None = None) -> Queries:
    """The same statement for each noun, where `{noun}` stands for it; what is in two braces is `Query`'s."""
    return {
        (noun, in_trash): Query(
            noun,
            columns.format(noun=noun),
            around.format(noun=noun),
            sqlite=None if sqlite is None else sqlite.format(noun=noun),
            extras=extras,
            in_trash=in_trash,
        )
        for noun in OperationNoun
        for in_trash in (False, True)
    }


PAGES = queries("{noun}.id", _PAGE, "after", "limit")
PAGES_BEFORE = queries("{noun}.id", _PAGE_BEFORE, "after", "before", "limit")
COUNTS = queries("{noun}.id", "SELECT count(*) FROM ({{matching}}) AS matching")
AMONG = queries(
    "{noun}.id",
    "{{matching}} AND {noun}.id = ANY({{among}}::uuid[])",
    "among",
    sqlite="{{matching}} AND {noun}.id IN (SELECT value FROM json_each({{among}}))",
)


def _id(*, id: UUID) -> UUID:
    return id


IDS = Reader(_id, {"id": Kind.UUID})


class Selection(msgspec.Struct, frozen=True):
    """Which rows of a noun, of those that are shown or of those that are in the trash; no filter at all means all."""

    noun: OperationNoun
    given: Given
    in_trash: bool

    @classmethod
    def of(cls, kind: OperationKind, noun: OperationNoun, target: Target) -> "Selection":
        """What an operation's target names."""
        return cls(noun, _filters_of(noun, target), kind in _OVER_TRASH)

    def bind(self, queries: Queries, dialect: Dialect, **extras: Any) -> tuple[Statement, list[Any]]:
        """The statement for it, with its values. Raises `InvalidRequest` for filters of unrelated nouns."""
        return self.bind_one(queries[self.noun, self.in_trash], dialect, **extras)

    def bind_one(self, query: Query, dialect: Dialect, **extras: Any) -> tuple[Statement, list[Any]]:
        """The same of one statement, which is for its noun."""
        try:
            return query.bind(dialect, self.given, **extras)
        except NotImplementedError as error:
            raise InvalidRequest(f"{error}: leave them out.", ("body", "target", "filters")) from None

    def check(self, dialect: Dialect) -> None:
        """Raise `InvalidRequest` for filters of nouns that are not related to its own."""
        self.bind(COUNTS, dialect)


def _filters_of(noun: OperationNoun, target: Target) -> Given:
    match target:
        case Target(ids=list() as ids):
            return dict(msgspec.convert({noun.value: {"id": {"any_": ids}}}, TargetFilters).all())
        case Target(filters=TargetFilters() as filters):
            return dict(filters.all())
        case _:
            return {}
