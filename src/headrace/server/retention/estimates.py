"""How much goes along with runs, and how much room that takes: estimated from some of them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from headrace.server.store.base import Statement, View

SAMPLE = 50
"""Runs from which is estimated what goes along with all of them."""

_ROW_BYTES = {
    "flow_runs": 800,
    "flow_run_states": 220,
    "flow_run_input": 200,
    "task_runs": 600,
    "task_run_states": 220,
    "logs": 200,
    "artifacts": 300,
    "events": 450,
}
"""What a row takes beside its texts: its columns of fixed length, its entries in indexes, and what is kept unfilled."""


def _texts(*columns: str) -> str:
    return " + ".join(f"coalesce(length(CAST({column} AS text)), 0)" for column in columns)


_STATE = _texts("data", "message", "state_details")
_RUN = _texts("name", "parameters", "context", "empirical_policy", "tags", "labels", "job_variables", "created_by")
_TASK = _texts("name", "task_key", "empirical_policy", "tags", "labels", "task_inputs", "field_stamps")
_ARTIFACT = _texts("key", "data", "description", "metadata_")
_PARTS = (
    ("flow_runs", _RUN, "id {these}"),
    ("flow_run_states", _STATE, "flow_run_id {these}"),
    ("flow_run_input", _texts("key", "value"), "flow_run_id {these}"),
    ("task_runs", _TASK, "flow_run_id {these} AND deleted_at IS NULL"),
    ("task_run_states", _STATE, "task_run_id IN (SELECT id FROM task_runs WHERE flow_run_id {these})"),
    ("logs", _texts("message"), "flow_run_id {these}"),
    ("artifacts", _ARTIFACT, "flow_run_id {these} AND deleted_at IS NULL"),
)
_TASK_PARTS = (
    ("task_runs", _TASK, "id {these}"),
    ("task_run_states", _STATE, "task_run_id {these}"),
    ("logs", _texts("message"), "task_run_id {these}"),
    ("artifacts", _ARTIFACT, "task_run_id {these} AND deleted_at IS NULL"),
)
_ARTIFACT_PARTS = (("artifacts", _ARTIFACT, "id {these}"),)


def _statement(parts: Sequence[tuple[str, str, str]]) -> Statement:
    text = " UNION ALL ".join(
        f"SELECT '{table}', count(*), coalesce(sum({texts}), 0) FROM {table} WHERE {condition}"
        for table, texts, condition in parts
    )
    return Statement(
        text.replace("{these}", "= ANY($1::uuid[])"),
        sqlite=text.replace("{these}", "IN (SELECT value FROM json_each($1))"),
    )


_MEASURE = {
    "flow_runs": _statement(_PARTS),
    "task_runs": _statement(_TASK_PARTS),
    "artifacts": _statement(_ARTIFACT_PARTS),
}


class Estimate(msgspec.Struct, frozen=True):
    """Rows by table, and the bytes that they take."""

    rows: Mapping[str, int]
    bytes: int


async def of_sample(view: View, noun: str, sample: Sequence[UUID], total: int) -> Estimate:
    """What `total` rows of a noun, of which these are some, come to with all that is theirs."""
    if not sample:
        return Estimate({}, 0)
    rows: dict[str, int] = {}
    size = 0
    for table, many, characters in await view.scan(_MEASURE[noun], list(sample)):
        if many:
            rows[table] = round(many * total / len(sample))
            size += many * _ROW_BYTES[table] + int(characters)
    return Estimate(rows, round(size * total / len(sample)))


def of_texts(table: str, many: int, characters: int) -> Estimate:
    """What rows of a table come to whose texts are so long."""
    return Estimate({table: many}, many * _ROW_BYTES[table] + characters) if many else Estimate({}, 0)
