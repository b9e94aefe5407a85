"""Pydantic models in users' code: as parameters, results and inputs, with the real pydantic."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract.conftest import PEER, SCRIPTS
from tests.processes import clean_environ


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, peer_installed: None) -> dict[str, Any]:
    """What a script with models saw; pydantic is taken from the environment of the real Prefect."""
    home = tmp_path_factory.mktemp("models")
    found = subprocess.run(
        [PEER / "python", "-c", "import pydantic; print(pydantic.__file__)"], capture_output=True, text=True, check=True
    )
    packages = Path(found.stdout.strip()).parents[1]
    done = subprocess.run(
        [sys.executable, SCRIPTS / "models.py", packages],
        env=clean_environ(home),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_parameters_become_models_and_go_through_tasks(seen: dict[str, Any]) -> None:
    assert seen["real"]
    assert seen["made"] == ["Order", "Kai", 2, [1]]


def test_parameters_are_recorded_as_json_without_their_secrets(seen: dict[str, Any]) -> None:
    assert seen["recorded"] == {"order": {"to": {"street": "Kai", "number": 1}, "parcels": [], "key": "**********"}}


def test_a_kept_result_is_a_model_again(seen: dict[str, Any]) -> None:
    assert seen["read back"] == "Order"


def test_a_parameter_that_does_not_fit_is_told_by_pydantic(seen: dict[str, Any]) -> None:
    assert "order: 1 validation error for Order" in seen["refused"]
    assert "greater than 0" in seen["refused"]


def test_the_schema_of_a_model_is_that_of_its_fields(seen: dict[str, Any]) -> None:
    schema = seen["schema"]
    assert schema["properties"]["order"]["$ref"] == "#/definitions/Order"
    assert schema["definitions"]["Order"]["properties"]["to"] == {"$ref": "#/definitions/Address"}
    assert schema["definitions"]["Address"]["required"] == ["street", "number"]


def test_a_model_is_sent_to_a_run_and_received_as_one(seen: dict[str, Any]) -> None:
    assert seen["received"] == ["Address", 3]
