"""The few conditions that the two databases spell differently.

A list is one value, an array in PostgreSQL and a JSON text in SQLite, so that its length is no part of the
SQL. Parameters are given as expressions; the values they stand for are as each method says.
"""

from abc import ABC, abstractmethod
from typing import Any

from sqlalchemy import ColumnElement as Expression
from sqlalchemy import Dialect as Compiler
from sqlalchemy import cast, column, exists, func, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite

from headrace.server.store.base import Dialect

Condition = Expression[bool]

ONE: Expression[int] = literal_column("1")
_ZERO: Expression[int] = literal_column("0")
_VALUE: Expression[Any] = column("value")
_EMPTY: Expression[str] = literal_column("'[]'")
_TEXTS = postgresql.ARRAY(postgresql.TEXT)
_SECOND: Expression[Any] = literal_column("interval '1 second'")
_MICROS_IN_A_SECOND: Expression[int] = literal_column("1000000")


class Forms(ABC):
    """How one database says it. `compiler` renders with `$1`, `$2` … for parameters."""

    compiler: Compiler

    @abstractmethod
    def one_of(self, value: Expression[Any], values: Expression[Any]) -> Condition:
        """A value that is in a list."""

    @abstractmethod
    def none_of(self, value: Expression[Any], values: Expression[Any]) -> Condition:
        """A value that is not null and not in a list."""

    @abstractmethod
    def like(self, text: Expression[Any], pattern: Expression[Any]) -> Condition:
        """In any case, with `%` and `_` as wildcards and no way to escape them (contract §5)."""

    @abstractmethod
    def like_any(self, text: Expression[Any], patterns: Expression[Any]) -> Condition:
        """Like some pattern of a list, in any case."""

    @abstractmethod
    def later(self, moment: Expression[Any], seconds: Expression[Any]) -> Expression[Any]:
        """The moment that comes so many seconds after another."""

    @abstractmethod
    def has_all(self, document: Expression[Any], members: Expression[Any]) -> Condition:
        """A JSON array that holds every member of another, which is given as JSON text."""

    @abstractmethod
    def is_empty(self, document: Expression[Any]) -> Condition:
        """A JSON array without members."""

    @abstractmethod
    def has_any(self, document: Expression[Any], members: Expression[Any]) -> Condition:
        """A JSON array of texts that holds some text of a list."""

    @abstractmethod
    def contains_any(self, text: Expression[Any], terms: Expression[Any]) -> Condition:
        """A text that contains, in any case, some lower-case text of a list."""

    @abstractmethod
    def contains_all(self, text: Expression[Any], terms: Expression[Any]) -> Condition:
        """A text that contains, in any case, every lower-case text of a list."""


class PostgresForms(Forms):
    compiler = postgresql.dialect(paramstyle="numeric_dollar")

    def one_of(self, value: Expression[Any], values: Expression[Any]) -> Condition:
        return value == func.any(values)

    def none_of(self, value: Expression[Any], values: Expression[Any]) -> Condition:
        return value != func.all(values)

    def like(self, text: Expression[Any], pattern: Expression[Any]) -> Condition:
        return text.ilike(pattern, escape="")

    def like_any(self, text: Expression[Any], patterns: Expression[Any]) -> Condition:
        pattern = func.unnest(cast(patterns, _TEXTS)).alias("term")
        return exists(select(ONE).select_from(pattern).where(self.like(text, column("term"))))

    def later(self, moment: Expression[Any], seconds: Expression[Any]) -> Expression[Any]:
        return moment + seconds * _SECOND

    def has_all(self, document: Expression[Any], members: Expression[Any]) -> Condition:
        return document.op("@>", is_comparison=True)(cast(members, postgresql.JSONB))

    def is_empty(self, document: Expression[Any]) -> Condition:
        return document == cast(_EMPTY, postgresql.JSONB)

    def has_any(self, document: Expression[Any], members: Expression[Any]) -> Condition:
        return document.op("?|", is_comparison=True)(cast(members, _TEXTS))

    def contains_any(self, text: Expression[Any], terms: Expression[Any]) -> Condition:
        return exists(select(ONE).select_from(self._each(terms)).where(self._in(text)))

    def contains_all(self, text: Expression[Any], terms: Expression[Any]) -> Condition:
        return ~exists(select(ONE).select_from(self._each(terms)).where(~self._in(text)))

    def _each(self, terms: Expression[Any]) -> Any:
        return func.unnest(cast(terms, _TEXTS)).alias("term")

    def _in(self, text: Expression[Any]) -> Condition:
        return func.strpos(func.lower(text), column("term")) > _ZERO


class SqliteForms(Forms):
    compiler = sqlite.dialect(paramstyle="numeric_dollar")

    def one_of(self, value: Expression[Any], values: Expression[Any]) -> Condition:
        return value.in_(select(_VALUE).select_from(func.json_each(values)))

    def none_of(self, value: Expression[Any], values: Expression[Any]) -> Condition:
        return value.not_in(select(_VALUE).select_from(func.json_each(values)))

    def like(self, text: Expression[Any], pattern: Expression[Any]) -> Condition:
        return text.op("LIKE", is_comparison=True)(pattern)

    def like_any(self, text: Expression[Any], patterns: Expression[Any]) -> Condition:
        pattern = self._each(patterns, "pattern")
        return exists(select(ONE).select_from(pattern).where(self.like(text, pattern.c.value)))

    def later(self, moment: Expression[Any], seconds: Expression[Any]) -> Expression[Any]:
        return moment + seconds * _MICROS_IN_A_SECOND

    def has_all(self, document: Expression[Any], members: Expression[Any]) -> Condition:
        missing = self._each(members, "wanted")
        held = select(_VALUE).select_from(func.json_each(document))
        return ~exists(select(ONE).select_from(missing).where(missing.c.value.not_in(held)))

    def is_empty(self, document: Expression[Any]) -> Condition:
        return document == _EMPTY

    def has_any(self, document: Expression[Any], members: Expression[Any]) -> Condition:
        tag = self._each(document, "tag")
        return exists(select(ONE).select_from(tag).where(self.one_of(tag.c.value, members)))

    def contains_any(self, text: Expression[Any], terms: Expression[Any]) -> Condition:
        term = self._each(terms, "term")
        return exists(select(ONE).select_from(term).where(self._in(text, term)))

    def contains_all(self, text: Expression[Any], terms: Expression[Any]) -> Condition:
        term = self._each(terms, "term")
        return ~exists(select(ONE).select_from(term).where(~self._in(text, term)))

    def _each(self, members: Expression[Any], name: str) -> Any:
        return func.json_each(members).table_valued("value", name=name)

    def _in(self, text: Expression[Any], term: Any) -> Condition:
        return func.instr(func.lower(text), term.c.value) > _ZERO


FORMS: dict[Dialect, Forms] = {Dialect.POSTGRES: PostgresForms(), Dialect.SQLITE: SqliteForms()}
