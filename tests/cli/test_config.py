"""Settings and profiles on the command line: what wins, what is kept, what is masked, what is refused."""

import json
from pathlib import Path

from tests.cli.conftest import Command


def value_and_source(headrace: Command, name: str, **variables: str) -> tuple[str, str]:
    shown = json.loads(headrace("config", "view", "--all", "-o", "json", **variables).stdout)
    return next((each["value"], each["source"]) for each in shown if each["name"] == name)


def test_environment_wins_over_profile_over_default(headrace: Command) -> None:
    name = "HEADRACE_LOGGING_LEVEL"
    assert value_and_source(headrace, name) == ("INFO", "default")
    assert headrace("config", "set", "logging.level=debug").returncode == 0
    assert value_and_source(headrace, name) == ("DEBUG", "profile")
    assert value_and_source(headrace, name, HEADRACE_LOGGING_LEVEL="ERROR") == ("ERROR", "environment")
    assert headrace("config", "unset", name).returncode == 0
    assert value_and_source(headrace, name) == ("INFO", "default")


def test_only_what_is_set_is_shown_unless_all_is_asked_for(headrace: Command) -> None:
    headrace("config", "set", "HEADRACE_LOGGING_LEVEL=DEBUG")
    assert "HEADRACE_LOGGING_LEVEL  DEBUG (profile)" in headrace("config", "view").stdout
    assert "HEADRACE_SERVER_API_PORT" not in headrace("config", "view").stdout
    assert "HEADRACE_SERVER_API_PORT" in headrace("config", "view", "--all").stdout


def test_secrets_are_masked_until_they_are_asked_for(headrace: Command) -> None:
    headrace("config", "set", "api.key=sesame", "server.database.url=postgresql://me:hidden@db/x")
    shown = headrace("config", "view").stdout + headrace("profile", "inspect").stdout
    assert "sesame" not in shown
    assert "hidden" not in shown
    assert "HEADRACE_API_KEY" in shown
    asked = headrace("config", "view", "--show-secrets").stdout
    assert "sesame" in asked
    assert "hidden" in asked


def test_a_mistyped_setting_is_refused_with_its_neighbour_and_nothing_is_kept(headrace: Command) -> None:
    answer = headrace("config", "set", "HEADRACE_LOGING_LEVEL=DEBUG", "api.url=http://127.0.0.1:1/api")
    assert answer.returncode == 1
    assert "Did you mean HEADRACE_LOGGING_LEVEL" in answer.stderr
    assert value_and_source(headrace, "HEADRACE_API_URL") == ("", "default")


def test_a_value_that_does_not_fit_is_refused_with_what_does(headrace: Command) -> None:
    answer = headrace("config", "set", "HEADRACE_SERVER_API_PORT=eighty")
    assert answer.returncode == 1
    assert "HEADRACE_SERVER_API_PORT is 'eighty'; it must be a whole number from 0 to 65535" in answer.stderr


def test_a_mistyped_variable_is_pointed_out(headrace: Command) -> None:
    answer = headrace("config", "view", HEADRACE_LOGGING_LEVLE="DEBUG", HEADRACE_DEBUG="1")
    assert answer.returncode == 0
    assert "there is no such setting. Did you mean HEADRACE_LOGGING_LEVEL" in answer.stderr
    assert "HEADRACE_DEBUG" not in answer.stderr


def test_a_broken_profile_file_is_named_with_its_line(headrace: Command, tmp_path: Path) -> None:
    (tmp_path / "profiles.toml").write_text("active = \nprofiles")
    for arguments in (["config", "view"], ["flow-run", "ls"], ["config", "set", "api.key=x"], ["version"]):
        answer = headrace(*arguments)
        assert answer.returncode == 1
        (line,) = answer.stderr.splitlines()
        assert f"{tmp_path / 'profiles.toml'} is not valid TOML" in line
        assert "line 1" in line


def test_profiles_are_made_switched_and_deleted(headrace: Command) -> None:
    headrace("config", "set", "logging.level=DEBUG")
    assert headrace("profile", "create", "calm", "--copy-from", "default").returncode == 0
    headrace("--profile", "calm", "config", "set", "logging.level=ERROR")
    assert value_and_source(headrace, "HEADRACE_LOGGING_LEVEL") == ("DEBUG", "profile")
    assert value_and_source(headrace, "HEADRACE_LOGGING_LEVEL", HEADRACE_PROFILE="calm") == ("ERROR", "profile")
    assert headrace("profile", "use", "calm").returncode == 0
    assert headrace("profile", "ls").stdout.splitlines() == ["* calm", "  default"]
    assert "is active" in headrace("profile", "delete", "calm").stderr
    assert headrace("profile", "use", "default").returncode == 0
    assert headrace("profile", "delete", "calm").returncode == 0
    assert json.loads(headrace("profile", "ls", "-o", "json").stdout) == [{"name": "default", "active": True}]


def test_a_profile_that_is_not_there_is_refused_with_those_that_are(headrace: Command) -> None:
    headrace("profile", "create", "calm")
    for arguments in (["--profile", "nope", "version"], ["profile", "use", "nope"], ["profile", "inspect", "nope"]):
        answer = headrace(*arguments)
        assert answer.returncode == 1
        assert "There is no profile 'nope'" in answer.stderr
        assert "calm, default" in answer.stderr
