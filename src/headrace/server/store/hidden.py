"""What is deleted and not marked as such yet: finished flow runs that an operation hides, with all that is theirs.

Hiding many runs, and showing them again, is quick because it writes nothing but their ids (`server/trash/`). So
whatever reads runs, or what belongs to runs, for others leaves out what `shown` does.
"""


def shown(flow_run_id: str) -> str:
    """The condition that the flow run with this id, a column or null, is not hidden.

    >>> shown("r.id")
    'NOT EXISTS (SELECT 1 FROM hidden_runs WHERE hidden_runs.id = r.id)'
    """
    return f"NOT EXISTS (SELECT 1 FROM hidden_runs WHERE hidden_runs.id = {flow_run_id})"
