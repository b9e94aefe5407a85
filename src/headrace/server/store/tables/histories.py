"""Runs counted by when they were expected, for times that have passed (see store/histories.py)."""

from sqlalchemy import Column, Integer, Text

from headrace.server.store.tables.columns import Id, OrderedDocument, flag, full_index, table

history_spans = table(
    "history_spans",
    Column("noun", Text, primary_key=True),
    Column("span", Integer, primary_key=True, autoincrement=False),
    Column("counting", Id, nullable=False),
    flag("is_counted", default=False),
    Column("sums", OrderedDocument),
    clustered=True,
)

history_steps = table(
    "history_steps",
    Column("noun", Text, primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("sums", OrderedDocument, nullable=False),
    clustered=True,
)

history_changes = table(
    "history_changes",
    Column("noun", Text, nullable=False),
    Column("span", Integer, nullable=False),
)
full_index("ix_history_changes_span", history_changes.c.noun, history_changes.c.span)  # whether a span has changed
