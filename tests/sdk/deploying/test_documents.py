"""Files of deployments: what is wrong is told by file, deployment and key."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from headrace.client.orchestration import SyncHeadraceClient
from headrace.sdk.deploying.checks import Pools
from headrace.sdk.deploying.describing import Described, Describer
from headrace.sdk.deploying.documents import Document, find_file, label_of, read
from headrace.sdk.system_blocks import Secret
from headrace.variables import Variable
from headrace.wire.deploying_errors import DeploymentError
from headrace.wire.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from headrace.wire.work_pools import WorkPoolCreate

FLOW = """
from headrace import flow

@flow(version="7")
def grinds(grain: str = "rye", rounds: int = 1):
    '''Grind it.'''
"""
ENTRY: dict[str, Any] = {"name": "nightly", "entrypoint": "flows/grinding.py:grinds", "work_pool": {"name": "mill"}}


@pytest.fixture
def api(recorded: SyncHeadraceClient) -> SyncHeadraceClient:
    recorded.create_work_pool(WorkPoolCreate(name="mill", type="process"))
    return recorded


def written(folder: Path, content: Any, name: str = "headrace.yaml") -> Document:
    (folder / "flows").mkdir(exist_ok=True)
    (folder / "flows/grinding.py").write_text(FLOW)
    (folder / name).write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return read(folder / name)


def described(api: SyncHeadraceClient, document: Document) -> tuple[list[Described | None], list[str]]:
    describer = Describer(document, Pools(api))
    made = [describer.describe(each, label_of(each, number)) for number, each in enumerate(document.entries)]
    return made, [str(fault) for fault in describer.faults]


def test_everything_that_a_file_says_is_in_the_deployment(api: SyncHeadraceClient, tmp_path: Path) -> None:
    entry = ENTRY | {
        "version": 2,
        "description": "Grinds at night.",
        "tags": ["a", "b"],
        "parameters": {"rounds": 3},
        "enforce_parameter_schema": False,
        "paused": True,
        "concurrency_limit": {"limit": 2, "collision_strategy": "CANCEL_NEW"},
        "work_pool": {"name": "mill", "work_queue_name": "urgent", "job_variables": {"env": {"A": "1"}}},
        "schedules": [
            {"cron": "0 3 * * *", "timezone": "Europe/Vienna", "day_or": False, "slug": "nights"},
            {"interval": 3600, "anchor_date": "2026-01-01T00:00:00Z", "active": False, "parameters": {"rounds": 9}},
            {"rrule": "FREQ=DAILY"},
        ],
        "triggers": [{"type": "event", "expect": ["grain.came"], "parameters": {"grain": "{{ event.resource.id }}"}}],
        "pull": [{"prefect.deployments.steps.set_working_directory": {"directory": "{{ $NOT_NOW }}"}}],
    }
    (made,), faults = described(api, written(tmp_path, {"deployments": [entry]}))
    assert faults == []
    assert made is not None
    it = made.deployment
    assert (it.full_name, it.entrypoint, it.path) == ("grinds/nightly", "flows/grinding.py:grinds", None)
    assert (it.version, it.description, it.tags, it.parameters) == ("2", "Grinds at night.", ["a", "b"], {"rounds": 3})
    assert (it.paused, it.enforce_parameter_schema, it.keep_schedules) == (True, False, False)
    assert (it.concurrency_limit, it.concurrency_options and it.concurrency_options.collision_strategy) == (
        2,
        "CANCEL_NEW",
    )
    assert (it.work_pool_name, it.work_queue_name, it.job_variables) == ("mill", "urgent", {"env": {"A": "1"}})
    cron, interval, rrule = (each.schedule for each in it.schedules)
    assert cron == CronSchedule(cron="0 3 * * *", timezone="Europe/Vienna", day_or=False)
    assert isinstance(interval, IntervalSchedule)
    assert (interval.interval, interval.anchor_date.year) == (3600, 2026)
    assert rrule == RRuleSchedule(rrule="FREQ=DAILY")
    assert [(each.active, each.slug, each.parameters) for each in it.schedules] == [
        (True, "nights", {}),
        (False, None, {"rounds": 9}),
        (True, None, {}),
    ]
    assert it.pull_steps == entry["pull"]
    assert it.triggers[0].parameters == {"grain": "{{ event.resource.id }}"}


def test_what_a_file_leaves_out_is_the_flows_own_or_stays(api: SyncHeadraceClient, tmp_path: Path) -> None:
    document = written(tmp_path, {"deployments": [ENTRY | {"entrypoint": "flows/grinding.py"}]})
    (made,), faults = described(api, document)
    assert faults == []
    assert made is not None
    it = made.deployment
    assert (it.version, it.description, it.entrypoint) == ("7", "Grind it.", "flows/grinding.py:grinds")
    assert (it.keep_schedules, it.paused) == (True, None)
    assert it.pull_steps == [{"headrace.deployments.steps.set_working_directory": {"directory": str(tmp_path)}}]


def test_steps_of_a_deployment_go_before_those_of_the_file(api: SyncHeadraceClient, tmp_path: Path) -> None:
    step = {"run_shell_script": {"script": "true"}}
    content = {
        "build": [step],
        "push": None,
        "pull": [step],
        "deployments": [ENTRY, ENTRY | {"build": [], "pull": None}],
    }
    made, _ = described(api, written(tmp_path, content))
    assert [each and (each.build, each.deployment.pull_steps) for each in made] == [([step], [step]), ([], [step])]


def test_anchors_and_definitions_are_yaml(api: SyncHeadraceClient, tmp_path: Path) -> None:
    content = """
    name: mill
    prefect-version: 3.8.8
    definitions:
      place: &place {name: mill}
      nights: &nights [{cron: 0 3 * * *}]
    deployments:
    - &first {name: a, entrypoint: "flows/grinding.py:grinds", work_pool: *place, schedules: *nights}
    - {<<: *first, name: b}
    """
    made, faults = described(api, written(tmp_path, content))
    assert faults == []
    assert [(each.deployment.name, len(each.deployment.schedules)) for each in made if each] == [("a", 1), ("b", 1)]


def test_placeholders_are_filled_in_where_they_are_meant(
    api: SyncHeadraceClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Variable.set("pool", "mill")
    Variable.set("rounds", 4)
    Secret(value="s3cret").save("token")
    monkeypatch.setenv("STAGE", "test")
    entry = ENTRY | {
        "tags": ["{{ $STAGE }}"],
        "parameters": {"rounds": "{{ prefect.variables.rounds }}", "grain": "{{ prefect.blocks.secret.token }}"},
        "work_pool": {
            "name": "{{ headrace.variables.pool }}",
            "job_variables": {"stage": "{{ $STAGE }}", "token": "{{ prefect.blocks.secret.token }}"},
        },
        "version": "{{ build.version }}",
    }
    (made,), faults = described(api, written(tmp_path, {"deployments": [entry]}))
    assert faults == []
    assert made is not None
    assert (made.deployment.tags, made.deployment.work_pool_name) == (["test"], "mill")
    assert made.deployment.parameters == {"rounds": 4, "grain": "s3cret"}
    assert made.deployment.job_variables == {"stage": "test", "token": "{{ prefect.blocks.secret.token }}"}
    assert made.deployment.version == "{{ build.version }}", "the step has not run yet"


STEP = "there is no step"
TWO = "schedules[0]: a schedule has exactly one of cron, interval and rrule: cron and interval are given"
UNSET = "parameters: The template refers to prefect.variables.none"
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": None}, "deployment number 1: name: it is missing"),
    ({"entrypoint": None}, "entrypoint: it is missing"),
    ({"entrypoint": "flows/none.py:grinds"}, "entrypoint: The entrypoint 'flows/none.py:grinds' cannot be loaded"),
    ({"entrypoint": "flows/grinding.py:sifts"}, "entrypoint: The entrypoint 'flows/grinding.py:sifts' names sifts"),
    ({"tag": ["x"]}, "tag: there is no such key; tags is meant"),
    ({"zzzz": 1}, "zzzz: there is no such key; known are name, "),
    ({"tags": "x"}, "tags: expected `array | null`, got `str`"),
    ({"paused": "soon"}, "paused: expected `bool | null`, got `str`"),
    ({"work_pool": {"nam": "mill"}}, "work_pool.nam: there is no such key; name is meant"),
    ({"work_pool": {"name": "none"}}, "work_pool.name: there is no work pool none"),
    ({"work_pool": None}, "work_pool: no work pool is named"),
    ({"schedules": [{"cron": "x"}]}, "schedules[0].cron: "),
    ({"schedules": [{"cron": "@daily", "timezone": "Mars"}]}, "schedules[0].timezone: "),
    ({"schedules": [{}, {"cron": "@daily", "interval": 3}]}, "schedules[0]: a schedule has exactly one of"),
    (
        {"schedules": [{"cron": "@daily", "interval": 3}]},
        TWO,
    ),
    ({"schedules": [{"cron": "@daily", "activ": True}]}, "schedules[0].activ: there is no such key; active is meant"),
    ({"schedules": [{"interval": -1}]}, "schedules[0]: "),
    ({"schedules": [{"cron": "@daily", "slug": "a"}] * 2}, "schedules: the slug a is given 2 times"),
    ({"schedules": [{"cron": "@daily", "parameters": {"rounds": "x"}}]}, "schedules[0].parameters.rounds: 'x' is not"),
    ({"parameters": {"rounds": "x"}}, "parameters.rounds: 'x' is not of type 'integer'"),
    ({"parameters": {"round": 1}}, "parameters.round: the flow has no parameter round; it has grain, rounds"),
    ({"concurrency_limit": 0}, "concurrency_limit: "),
    ({"concurrency_limit": {"limit": 1, "strategy": "x"}}, "concurrency_limit.strategy: there is no such key"),
    ({"triggers": [{"type": "metric"}]}, "triggers[0]: There is no trigger of the type 'metric'"),
    ({"name": "a/b"}, "deployment a/b: name: 'a/b' is no name"),
    ({"work_pool": {"name": "mill", "work_queue_name": "a>b"}}, "work_pool.work_queue_name: 'a>b' is no name"),
    ({"triggers": [{"expect": ["prefect.flow-run.Running"]}]}, "triggers[0]: Running a selected deployment"),
    ({"pull": [{"clone": {}}]}, f"pull[0]: {STEP} clone"),
    ({"build": ["x"]}, "build[0]: a step is one name"),
    ({"tags": ["{{ $NONE_SUCH }}"]}, "tags: The template refers to $NONE_SUCH"),
    (
        {"parameters": {"grain": "{{ prefect.variables.none }}"}},
        "parameters: The template refers to prefect.variables.none",
    ),
]


@pytest.mark.parametrize(("change", "reason"), WRONG, ids=[str(each[0])[:50] for each in WRONG])
def test_what_is_wrong_is_named(api: SyncHeadraceClient, tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    entry = {key: value for key, value in (ENTRY | change).items() if value is not None}
    (made,), faults = described(api, written(tmp_path, {"deployments": [entry]}))
    assert made is None
    where = "headrace.yaml: " + ("" if reason.startswith("deployment") else "deployment nightly: ")
    assert faults[0].startswith(where + reason), faults


def test_all_that_is_wrong_is_told_at_once(api: SyncHeadraceClient, tmp_path: Path) -> None:
    entries = [ENTRY | {"parameters": {"rounds": "x", "round": 1}, "work_pool": {"name": "none"}}, ENTRY | {"tag": []}]
    _, faults = described(api, written(tmp_path, {"deployments": entries}))
    assert len(faults) == 4


def test_a_module_that_raises_is_told_with_what_it_raised(api: SyncHeadraceClient, tmp_path: Path) -> None:
    document = written(tmp_path, {"deployments": [ENTRY | {"entrypoint": "broken.py:f"}]})
    (tmp_path / "broken.py").write_text("1 / 0")
    _, faults = described(api, document)
    assert "importing broken.py:f raised ZeroDivisionError: division by zero" in faults[0]


def test_a_flow_whose_imports_are_missing_is_deployed_as_its_file_describes_it(
    api: SyncHeadraceClient, tmp_path: Path
) -> None:
    entries = [ENTRY | {"entrypoint": f"apart.py:{name}"} for name in ("grinds", "none")]
    document = written(tmp_path, {"deployments": entries})
    (tmp_path / "apart.py").write_text("import none_such_package\n" + FLOW)
    describer = Describer(document, Pools(api))
    made = describer.describe(entries[0], "first")
    assert made is not None
    assert (made.deployment.full_name, made.deployment.version) == ("grinds/nightly", "7")
    assert "cannot be imported here (No module named 'none_such_package')" in describer.notes[0]
    assert describer.describe(entries[1], "second") is None
    assert "importing apart.py:none raised ModuleNotFoundError" in str(describer.faults[0])


NO_FILE: list[tuple[str, str]] = [
    ("[", "is no YAML"),
    ("- a", "it is not a mapping"),
    ("deployments: x", "deployments: it is not a list"),
    ("deployments: [x]", "deployments: it is not a list of mappings"),
    ("pull: x", "pull: it is not a list of steps"),
    ("deployment: []", "deployment: there is no such key; deployments is meant"),
]


@pytest.mark.parametrize(("content", "reason"), NO_FILE)
def test_a_file_that_is_none_says_why(tmp_path: Path, content: str, reason: str) -> None:
    with pytest.raises(DeploymentError, match=rf"headrace.yaml:? .*{reason}"):
        written(tmp_path, content)


def test_our_file_is_found_before_the_peers(tmp_path: Path) -> None:
    assert find_file(tmp_path) is None
    (tmp_path / "prefect.yaml").touch()
    assert find_file(tmp_path) == tmp_path / "prefect.yaml"
    (tmp_path / "headrace.yaml").touch()
    assert find_file(tmp_path) == tmp_path / "headrace.yaml"
