"""Nouns that filters can name and the store has no tables for: nothing of them exists to be joined to.

A filter on one of them matches no rows, whatever it says, as every such filter asks for objects that are
joined to at least one that it matches. A noun that gets its table leaves this list and joins in `joins`.
"""

from sqlalchemy import false, true

from headrace.server.filters.criteria import Part
from headrace.server.filters.forms import Condition

NOUNS = frozenset({"deployments", "work_pools", "work_queues", "work_pool_queues"})


def has_deployment(part: Part) -> Condition:
    """Which flows have a deployment, or none (`FlowFilterDeployment`): none has."""
    wants_none = getattr(part.given, "is_null_", None)
    return false() if wants_none is False else true()
