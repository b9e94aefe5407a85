"""The public modules: every name they promise is there, and importing them is cheap."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

import headrace

NOT_FOR_IMPORT = tuple(f"headrace.{part}" for part in ("cli", "server", "sdk", "wire", "rules", "settings"))
HEAVY = ("sqlalchemy", "websockets", "uvicorn", "headrace.server", "asyncio")
PUBLIC = sorted(
    found.name
    for found in pkgutil.walk_packages(headrace.__path__, "headrace.")
    if not found.name.startswith(NOT_FOR_IMPORT)
    and not any(part.startswith("_") for part in found.name.split("."))
    and not found.name.startswith(("headrace.client.http", "headrace.client.embedded"))
)


@pytest.mark.parametrize("name", ["headrace", *PUBLIC])
def test_every_name_that_a_module_promises_is_there(name: str) -> None:
    module = importlib.import_module(name)
    promised = getattr(module, "__all__", ())
    assert [each for each in promised if not hasattr(module, each)] == []
    assert len(promised) == len(set(promised))


@pytest.mark.parametrize("name", ["headrace.events", "headrace.automations", "headrace.schedules", "headrace.input"])
def test_saying_automations_loads_neither_a_server_nor_web_sockets(name: str) -> None:
    code = (
        f"import sys, {name} as module\n"
        "from headrace.events import emit_event\n"
        f"heavy = [each for each in {HEAVY} if each in sys.modules]\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
