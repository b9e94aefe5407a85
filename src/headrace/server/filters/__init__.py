"""Filters as SQL (contract §5).

A `Query` is a hand-written statement around "the rows of a noun that match": `Query.bind` puts the SQL of a
request's filters in its place and gives the statement with its values. Requests differ in values much more
than in shape, so what was composed for a shape is kept; SQLAlchemy is imported when the first shape of the
process is composed, and never by a process that asks only by id.
"""

from headrace.server.filters.ids import matching_ids
from headrace.server.filters.query import Query

__all__ = ["Query", "matching_ids"]
