"""How many rows a noun shows."""

from sqlalchemy import BigInteger, Column, Integer, Text

from headrace.server.store.tables.columns import table

tallies = table(  # see store/tallies.py, which also makes the triggers that keep it
    "tallies",
    Column("noun", Text, primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("total", BigInteger().with_variant(Integer(), "sqlite"), nullable=False),
    clustered=True,
)
