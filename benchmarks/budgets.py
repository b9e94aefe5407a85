"""What each figure must reach: a ratio to the peer in the same run, or a bound of its own (docs/design.md)."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Budget:
    """`must` and `aim`: times better than the peer (`ratio`), or bounds in the unit (`at most`, `at least`)."""

    title: str
    unit: str
    kind: Literal["ratio", "at most", "at least"]
    must: float
    aim: float
    more_is_better: bool = False

    def met(self, ours: float, peers: float | None) -> bool | None:
        """Whether the figure reaches `must`; None where there is no peer's figure to compare with."""
        match self.kind:
            case "at most":
                return ours <= self.must
            case "at least":
                return ours >= self.must
            case "ratio":
                ratio = self.ratio(ours, peers)
                return None if ratio is None else ratio >= self.must

    def ratio(self, ours: float, peers: float | None) -> float | None:
        """How many times better than the peer."""
        if peers is None or not ours or not peers:
            return None
        return ours / peers if self.more_is_better else peers / ours


BUDGETS: dict[str, Budget] = {
    "import": Budget("import flow, task", "ms", "ratio", 20, 40),
    "hello": Budget("python hello_flow.py, nothing configured", "ms", "at most", 1200, 600),
    "help": Budget("the command's --help", "ms", "at most", 400, 100),
    "flow sqlite": Budget("flow() call, server on SQLite", "ms", "at most", 10, 4),
    "task sqlite": Budget("task() call inside a flow", "ms", "at most", 0.5, 0.2),
    "submit sqlite": Budget("task.submit() inside a flow", "ms", "at most", 0.15, 0.08),
    "flow postgres": Budget("flow() call, server on PostgreSQL", "ms", "at most", 10, 4),
    "create sqlite": Budget("create run, 8 clients, SQLite", "/s", "at least", 700, 1500, more_is_better=True),
    "create postgres": Budget("create run, 8 clients, PostgreSQL", "/s", "ratio", 15, 30, more_is_better=True),
    "lifecycle sqlite": Budget("run lifecycle, 8 clients, SQLite", "/s", "ratio", 20, 35, more_is_better=True),
    "lifecycle postgres": Budget("run lifecycle, 8 clients, PostgreSQL", "/s", "ratio", 20, 35, more_is_better=True),
    "read sqlite": Budget("read one run, 8 clients, SQLite", "/s", "ratio", 18, 30, more_is_better=True),
    "read postgres": Budget("read one run, 8 clients, PostgreSQL", "/s", "ratio", 18, 30, more_is_better=True),
    "newest sqlite": Budget("newest 200 runs, SQLite", "/s", "ratio", 15, 30, more_is_better=True),
    "newest postgres": Budget("newest 200 runs, PostgreSQL", "/s", "ratio", 15, 30, more_is_better=True),
    "logs sqlite": Budget("log rows, SQLite", "/s", "ratio", 25, 50, more_is_better=True),
    "logs postgres": Budget("log rows, PostgreSQL", "/s", "ratio", 25, 50, more_is_better=True),
    "health sqlite": Budget("GET /health, 8 clients", "/s", "ratio", 1, 3, more_is_better=True),
    "start sqlite": Budget("server start to /health, SQLite", "s", "at most", 2, 1),
    "start postgres": Budget("server start to /health, PostgreSQL", "s", "at most", 2, 1),
    "memory sqlite": Budget("server memory after all this, SQLite", "MB", "at most", 110, 80),
    "memory postgres": Budget("server memory after all this, PostgreSQL", "MB", "at most", 110, 80),
}  # fmt: skip
