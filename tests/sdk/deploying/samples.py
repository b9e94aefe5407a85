"""Flows that are deployed."""

from headrace import flow


@flow
def loads(table: str, rows: int = 10) -> None:
    """Load a table."""


@flow
def reports(week: int = 1) -> None:
    """Write a report."""
