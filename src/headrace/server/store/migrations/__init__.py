"""The schema's history: one file a revision, written with Alembic's operations, once for both databases.

Migrations are rendered to SQL, which the raw drivers run in one transaction. So a migration cannot look at what
a database holds; what has to be moved is moved by SQL (`op.execute`).
"""

from pathlib import Path

from headrace.server.store.base import Dialect
from headrace.server.store.revisions import position

_URLS = {Dialect.SQLITE: "sqlite://", Dialect.POSTGRES: "postgresql+asyncpg://"}
"""Which of SQLAlchemy's dialects renders; asyncpg's, unlike psycopg's, leaves a `%` alone."""


def render(dialect: Dialect, start: str, end: str) -> list[str]:
    """The statements that lead from revision `start` to `end`, up or down; either may be `base`.

    The table that keeps the version is there already and is not touched.
    """
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(Path(__file__).parent)
    rendered = _Statements()
    context = MigrationContext.configure(
        url=_URLS[dialect], opts={"as_sql": True, "output_buffer": rendered, "literal_binds": True}
    )
    with Operations.context(context):
        if position(start) <= position(end):
            for script in reversed(list(scripts.iterate_revisions(end, start))):
                script.module.upgrade()
        else:
            for script in scripts.iterate_revisions(start, end):
                script.module.downgrade()
    return rendered.statements


class _Statements:
    """Stands in for Alembic's output file and takes each statement as one write."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def write(self, text: str) -> None:
        self.statements.append(text.strip().removesuffix(";"))

    def flush(self) -> None:
        """Nothing is buffered."""
