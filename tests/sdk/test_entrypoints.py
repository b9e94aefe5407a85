"""Entrypoints: flows are found by the file or module that defines them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.sdk.entrypoints import is_loading, load_flow, split
from headrace.wire.deploying_errors import EntrypointError

FLOW = """
from headrace import flow

{imports}

@flow
def nightly(day: int = {value}):
    return day
"""


@pytest.fixture(autouse=True)
def imports_are_forgotten() -> Iterator[None]:
    """What a test imported is not there for the next one."""
    path, known = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - known:
        del sys.modules[name]


def write(file: Path, value: int = 1, imports: str = "") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(FLOW.format(value=value, imports=imports))


@pytest.mark.parametrize(
    "entrypoint", ["flows/etl.py:nightly", "flows/etl.py", "flows.etl:nightly", "flows.etl.nightly"]
)
def test_a_flow_is_found_by_file_and_by_module(tmp_path: Path, entrypoint: str) -> None:
    write(tmp_path / "flows/etl.py")
    assert load_flow(entrypoint, tmp_path).name == "nightly"


def test_a_file_finds_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "tables.py").write_text("NAMES = ['a']")
    write(tmp_path / "etl.py", imports="from tables import NAMES")
    assert load_flow("etl.py:nightly", tmp_path).name == "nightly"


def test_a_file_of_a_package_may_import_relatively(tmp_path: Path) -> None:
    (tmp_path / "company").mkdir()
    (tmp_path / "company/__init__.py").touch()
    (tmp_path / "company/tables.py").write_text("NAMES = ['a']")
    write(tmp_path / "company/etl.py", imports="from .tables import NAMES")
    assert load_flow("company/etl.py:nightly", tmp_path).fn.__module__ == "company.etl"


@pytest.mark.parametrize("name", ["calendar", "json"])
def test_a_file_may_have_the_name_of_another_module(tmp_path: Path, name: str) -> None:
    write(tmp_path / f"{name}.py")
    module = sys.modules.get(name)
    assert load_flow(f"{name}.py:nightly", tmp_path).name == "nightly"
    assert sys.modules.get(name) is module


def test_two_files_of_one_name_are_two(tmp_path: Path) -> None:
    for n in (1, 2):
        write(tmp_path / f"{n}/etl.py", value=n)
    assert [load_flow(f"{n}/etl.py:nightly", tmp_path).fn() for n in (1, 2)] == [1, 2]


def test_a_package_may_have_the_name_of_another(tmp_path: Path) -> None:
    for n in (1, 2):
        (tmp_path / f"{n}/mills").mkdir(parents=True)
        (tmp_path / f"{n}/mills/__init__.py").touch()
        write(tmp_path / f"{n}/mills/etl.py", value=n)
        write(tmp_path / f"{n}/mills/only{n}.py", value=n)
    assert [load_flow(f"{n}/mills/etl.py:nightly", tmp_path).fn() for n in (1, 2)] == [1, 2]
    assert load_flow("2/mills/only2.py:nightly", tmp_path).fn() == 2


@pytest.mark.parametrize("file", ["etl.py", "calendar.py", "json.py"])
def test_a_file_is_run_once(tmp_path: Path, file: str) -> None:
    write(tmp_path / file)
    first, second = (load_flow(f"{file}:nightly", tmp_path) for _ in range(2))
    assert first is second


WRONG = [
    ("none.py:nightly", "there is no file"),
    ("etl.py:other", "names other, which is not there; flows there: nightly"),
    ("etl.py:flow_", "flows there: nightly"),
    ("etl.py:plain", "is not a flow"),
    ("two.py", "defines 2 flows: say which, as one of two.py:other, two.py:nightly"),
    ("empty.py", "defines no flow"),
    ("not_there:nightly", "there is no module 'not_there'"),
    ("not_there.inner.nightly", "there is no module 'not_there'"),
    ("nightly", "is no entrypoint"),
    (":nightly", "is no entrypoint"),
]


@pytest.mark.parametrize(("entrypoint", "reason"), WRONG)
def test_what_cannot_be_loaded_says_why(tmp_path: Path, entrypoint: str, reason: str) -> None:
    write(tmp_path / "etl.py")
    (tmp_path / "empty.py").touch()
    with (tmp_path / "etl.py").open("a") as file:
        file.write("\nplain = 1\n")
    write(tmp_path / "two.py", imports="@flow\ndef other(): ...")
    with pytest.raises(EntrypointError) as raised:
        load_flow(entrypoint, tmp_path)
    assert entrypoint in str(raised.value)
    assert reason in str(raised.value)


@pytest.mark.parametrize("entrypoint", ["broken.py:nightly", "broken:nightly", "broken.nightly"])
def test_what_the_code_itself_raises_passes_through(tmp_path: Path, entrypoint: str) -> None:
    write(tmp_path / "broken.py", imports="import nowhere_to_be_found")
    with pytest.raises(ModuleNotFoundError, match="nowhere_to_be_found"):
        load_flow(entrypoint, tmp_path)
    assert not is_loading()


def test_a_module_is_told_that_it_is_only_loaded(tmp_path: Path) -> None:
    write(tmp_path / "etl.py", imports="from headrace.sdk import entrypoints\nLOADING = entrypoints.is_loading()")
    assert load_flow("etl.py:nightly", tmp_path).fn.__globals__["LOADING"]
    assert not is_loading()


def test_the_name_is_behind_the_last_colon() -> None:
    assert split("a:b/etl.py:nightly") == ("a:b/etl.py", "nightly")
