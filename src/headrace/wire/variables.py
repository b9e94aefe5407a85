"""Variables: named values that flows and templates look up (contract §1, §3)."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Parts, Wire, encode_text
from headrace.wire.filters import Filter, VariableFilter
from headrace.wire.listings import Offset
from headrace.wire.sorts import VariableSort

VariableName = Annotated[str, msgspec.Meta(max_length=255, pattern=r"^[a-z0-9_-]*$(?!\n)")]
"""Lower-case letters, digits, dashes and underscores, at most 255 of them."""

LONGEST_VALUE = 5000
"""Characters that a value may have as JSON text."""


class Variable(Wire, kw_only=True):
    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    name: str
    value: Any = None
    tags: list[str] = []


class VariableCreate(Body, kw_only=True):
    name: VariableName
    value: Any
    tags: list[str] = []

    def __post_init__(self) -> None:
        """A value that is too long is refused."""
        super().__post_init__()
        _check_length(self.value)


class VariableUpdate(Body, kw_only=True):
    """A name of null leaves the name; a value of null is a value."""

    name: VariableName | None | msgspec.UnsetType = msgspec.UNSET
    value: Any = msgspec.UNSET
    tags: list[str] | None | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        """A value that is too long is refused."""
        super().__post_init__()
        if self.value is not msgspec.UNSET:
            _check_length(self.value)


def _check_length(value: Any) -> None:
    length = len(encode_text(value))
    if length > LONGEST_VALUE:
        raise ValueError(f"Variable value must be at most {LONGEST_VALUE} characters of JSON, this one has {length}")


class VariableFilters(Parts, kw_only=True):
    variables: VariableFilter | None = None

    def given(self) -> dict[str, Filter]:
        """The filter, by its noun, if one is given."""
        return {} if self.variables is None else {"variables": self.variables}


class VariableList(VariableFilters, kw_only=True):
    sort: VariableSort = VariableSort.NAME_ASC
    limit: int | None = None
    offset: Offset = 0
