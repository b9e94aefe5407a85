"""What each part of the filter of automations means (contract §5)."""

from headrace.server.filters.criteria import Criterion, on_column, on_tags
from headrace.server.store.tables import automations

CRITERIA: dict[str, dict[str, Criterion]] = {
    "automations": {
        "id": on_column(automations.c.id),
        "name": on_column(automations.c.name),
        "created": on_column(automations.c.created),
        "tags": on_tags(automations.c.tags),
    }
}
