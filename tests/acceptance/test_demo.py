"""`make demo` is what a newcomer sees first: it runs real flows, shows what was recorded, and cleans up."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOW_RUNS = {"water-levels": 1, "sales-report": 1, "regional-total": 3, "health-check": 1, "price-index": 1}


@pytest.fixture(scope="module")
def demo() -> "subprocess.CompletedProcess[str]":
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "scripts.demo"], capture_output=True, text=True, timeout=110, cwd=ROOT)
    done.args = time.monotonic() - begun
    return done


def test_it_ends_well(demo: "subprocess.CompletedProcess[str]") -> None:
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert demo.stderr == ""


def test_it_takes_less_than_a_minute(demo: "subprocess.CompletedProcess[str]") -> None:
    assert demo.args < 60


@pytest.mark.parametrize(("flow", "count"), FLOW_RUNS.items())
def test_every_run_is_shown_with_its_states(demo: "subprocess.CompletedProcess[str]", flow: str, count: int) -> None:
    rows = re.findall(rf"^ *(?:└ )?{flow} .*→ (\S+)", demo.stdout, re.MULTILINE)
    assert rows == ["Failed" if flow == "price-index" else "Completed"] * count


def test_task_runs_log_lines_and_retries_are_shown(demo: "subprocess.CompletedProcess[str]") -> None:
    total = re.search(r"^(\d+) flow runs, (\d+) task runs, (\d+) log lines$", demo.stdout, re.MULTILINE)
    assert total is not None
    flow_runs, task_runs, lines = map(int, total.groups())
    assert flow_runs == sum(FLOW_RUNS.values())
    assert task_runs >= 18
    assert lines >= 10
    assert "no price for tin" in demo.stdout


def test_its_runs_are_deleted_and_given_back(demo: "subprocess.CompletedProcess[str]") -> None:
    deleted = re.search(r"^  (\d+) flow runs deleted", demo.stdout, re.MULTILINE)
    back = re.search(r"^  (\d+) flow runs, (\d+) task runs, (\d+) log lines, as before$", demo.stdout, re.MULTILINE)
    assert deleted is not None
    assert back is not None
    assert back[1] == deleted[1]
    assert "$ headrace undo" in demo.stdout


def test_it_leaves_no_server_and_no_folder(demo: "subprocess.CompletedProcess[str]") -> None:
    recorded = re.search(r"sqlite:///(\S+)/headrace\.db", demo.stdout)
    assert recorded is not None
    assert not Path(recorded[1]).exists()
