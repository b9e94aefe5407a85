"""What each part of the filters of artifacts, their collections and variables means (contract §5)."""

from sqlalchemy import Table

from headrace.server.filters.criteria import Criterion, on_column, on_tags
from headrace.server.store.tables import artifact_collections, artifacts, variables


def _on_artifacts(table: Table, id_: str) -> dict[str, Criterion]:
    return {
        id_: on_column(table.c[id_]),
        "key": on_column(table.c.key),
        "flow_run_id": on_column(table.c.flow_run_id),
        "task_run_id": on_column(table.c.task_run_id),
        "type": on_column(table.c.type),
    }


CRITERIA: dict[str, dict[str, Criterion]] = {
    "artifacts": _on_artifacts(artifacts, "id"),
    "artifact_collections": _on_artifacts(artifact_collections, "latest_id"),
    "variables": {
        "id": on_column(variables.c.id),
        "name": on_column(variables.c.name),
        "tags": on_tags(variables.c.tags),
    },
}
