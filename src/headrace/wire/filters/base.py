"""What all filters have in common."""

from enum import StrEnum

from headrace.wire.base import Body


class Operator(StrEnum):
    """How the direct parts of a filter combine."""

    and_ = "and_"
    or_ = "or_"


class Filter(Body, kw_only=True):
    """A filter or a criterion. A part that is None constrains nothing; an unknown key is an error."""


class CombiningFilter(Filter, kw_only=True):
    """A filter whose direct parts combine by `operator`; parts that combine have their own."""

    operator: Operator = Operator.and_
