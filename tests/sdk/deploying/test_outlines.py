"""Flows that are read without being run say the same of themselves as those that are imported."""

from pathlib import Path
from typing import Any

import pytest

from headrace.sdk.deploying.outlines import flows_in, outline
from headrace.sdk.entrypoints import load_flow
from headrace.sdk.parameter_schemas import parameter_schema

SAME = '''
from datetime import date, datetime
from typing import Literal, Optional
import headrace
from headrace import flow

@flow
def plain(): ...

@flow(name="named", version="3", description="said", retries=2)
def options(a: int, /, b: str = "x", *, c: list[int] | None = None): ...

@headrace.flow(log_prints=True)
def types(day: date, mode: Literal["a", "b"] = "a", when: "Optional[datetime]" = None, **more: float):
    """What it does.

    At length.
    """

@flow()
async def waits(untyped, tags: set[str] = {"a"}, of: dict[str, tuple[int, ...]] = {}): ...
'''
OPEN = """
import none_such
from headrace import flow, task

@task
def no_flow(): ...

@none_such.decorated
@flow(name=none_such.NAME, version="1")
def open_(frame: none_such.Frame, where: none_such.Place = none_such.HERE, rows: int = 3): ...
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "outlined.py"
    file.write_text(SAME)
    return file


def said(flow: Any) -> dict[str, Any]:
    return {
        "name": flow.name,
        "version": flow.version,
        "description": (flow.description or "").split(),
        "async": flow.isasync,
        "parameters": parameter_schema(flow.signature),
    }


@pytest.mark.parametrize("name", ["plain", "options", "types", "waits"])
def test_an_outline_says_what_the_flow_says(file: Path, name: str) -> None:
    assert said(outline(file, name)) == said(load_flow(f"outlined.py:{name}", file.parent))


def test_what_cannot_be_known_is_left_open(file: Path) -> None:
    file.write_text(OPEN)
    flow = outline(file, None)
    assert flow is not None
    assert (flow.name, flow.version) == ("open-", "1")
    schema = parameter_schema(flow.signature)
    assert schema["required"] == ["frame"]
    assert schema["properties"]["where"]["default"] is None
    assert schema["properties"]["rows"]["type"] == "integer"
    assert "type" not in schema["properties"]["frame"]


def test_nothing_of_the_file_is_run(file: Path) -> None:
    file.write_text("raise SystemExit(3)\n" + SAME.replace('"x"', "print('run')").replace("a: int", "a: print('run')"))
    assert outline(file, "options") is not None


def test_what_is_no_flow_has_no_outline(file: Path) -> None:
    assert outline(file, "none") is None
    assert outline(file, None) is None, "there are several"
    assert outline(file.with_name("none.py"), "plain") is None
    file.write_text("def (")
    assert outline(file, "plain") is None
    assert [each.name for each in flows_in(OPEN)] == ["open_"]
