"""Runs counted by minute, for hours that have passed (see store/histories.py)."""

from sqlalchemy import BigInteger, Column, Integer, Text

from headrace.server.store.tables.columns import Id, Seconds, flag, full_index, table

history_hours = table(
    "history_hours",
    Column("noun", Text, primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("counting", Id, nullable=False),
    flag("is_counted", default=False),
    clustered=True,
)

history_minutes = table(
    "history_minutes",
    Column("noun", Text, primary_key=True),
    Column("minute", Integer, primary_key=True, autoincrement=False),
    Column("state_type", Text, primary_key=True),
    Column("state_name", Text, primary_key=True),
    Column("runs", BigInteger().with_variant(Integer(), "sqlite"), nullable=False),
    Column("ran", Seconds, nullable=False),
    Column("running", BigInteger().with_variant(Integer(), "sqlite"), nullable=False),
    Column("running_since", Seconds, nullable=False),
    Column("late", Seconds, nullable=False),
    Column("waiting", BigInteger().with_variant(Integer(), "sqlite"), nullable=False),
    Column("waiting_since", Seconds, nullable=False),
    clustered=True,
)

history_changes = table(
    "history_changes",
    Column("noun", Text, nullable=False),
    Column("hour", Integer, nullable=False),
)
full_index("ix_history_changes_hour", history_changes.c.noun, history_changes.c.hour)  # whether an hour has changed
