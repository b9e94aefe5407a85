"""What the services ask all the time costs as much as there is to do, however many runs wait or go on."""

import re
import sqlite3
from pathlib import Path

import pytest

from headrace.server.store import make_store
from tests.conftest import settings_for


def plan(path: Path, statement: str) -> str:
    """How SQLite carries out a statement, in its words."""
    with sqlite3.connect(path) as db:
        return "; ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}", ["[]"] * statement.count("?")))


@pytest.mark.parametrize(
    ("module", "name", "index"),
    [
        ("flow_runs.overdue", "_CLAIM", "ix_flow_runs_deadline"),
        ("flow_runs.overdue", "_LOST", "ix_flow_runs_deadline"),
        ("flow_runs.overdue", "_NEXT", "ix_flow_runs_deadline"),
        ("flow_runs.overdue", "_STUCK", "ix_flow_runs_state_type"),
        ("cancellations.queries", "_FIND_UNSPREAD", "ix_cancellations_open"),
    ],
)
async def test_what_is_overdue_is_found_by_its_deadline(tmp_path: Path, module: str, name: str, index: str) -> None:
    store = make_store(settings_for(tmp_path))
    await store.open()
    await store.close()
    statement = getattr(__import__(f"headrace.server.{module}", fromlist=[name]), name)
    found = plan(tmp_path / "headrace.db", statement.sqlite)
    assert found.startswith(("SEARCH flow_runs USING", "SCAN cancellations USING")), found
    assert re.search(rf"INDEX {index}\b", found), found


async def test_a_tree_is_walked_from_its_root(tmp_path: Path) -> None:
    from headrace.server.cancellations.queries import _COUNT
    from headrace.server.flow_runs.trees import _TREE

    store = make_store(settings_for(tmp_path))
    await store.open()
    await store.close()
    for statement in (_TREE, _COUNT):
        found = plan(tmp_path / "headrace.db", statement.sqlite)
        assert "ix_task_runs_state_type" not in found
        assert found.count("(flow_run_id=?)") >= 2, found
