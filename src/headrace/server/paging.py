"""Limits and page numbers at the contract's edge (contract §1)."""

from headrace.server.context import Context
from headrace.wire.errors import Unprocessable


def list_limit(ctx: Context, limit: int | None) -> int:
    """How many objects an answer may hold: what is asked for, or the default, which is also the most.

    Raises `Unprocessable` when more is asked for, or less than none.
    """
    most = ctx.settings.server.api.default_limit
    if limit is None:
        return most
    if limit > most:
        raise Unprocessable(f"Invalid limit: must be less than or equal to {most}.")
    if limit < 0:
        raise Unprocessable("Invalid limit: must be greater than or equal to 0.")
    return limit


def page_count(count: int, limit: int) -> int:
    """How many pages of `limit` objects there are; none when a page holds nothing."""
    return -(-count // limit) if limit else 0
