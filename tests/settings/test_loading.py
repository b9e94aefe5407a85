"""Settings are defaults, then the profile, then the environment; what does not fit is named."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from headrace.settings import Settings, load
from headrace.settings.catalogue import catalogue, find, unknown
from headrace.settings.environment import to_environment
from headrace.settings.loading import assignments
from headrace.wire.errors import SettingsError


def in_home(home: Path, **variables: str) -> Settings:
    return load({"HEADRACE_HOME": str(home), **variables})


def write_profiles(home: Path, text: str) -> None:
    (home / "profiles.toml").write_text(text)


def test_without_anything_set_all_is_default(tmp_path: Path) -> None:
    settings = in_home(tmp_path)
    assert settings.api.url is None
    assert settings.server.api.port == 4200
    assert settings.database_url == f"sqlite:///{tmp_path}/headrace.db"
    assert settings.profile == "default"


def test_the_results_folder_lies_in_the_home_folder(tmp_path: Path) -> None:
    assert in_home(tmp_path).results.local_storage_path == tmp_path / "storage"
    assert in_home(tmp_path, HEADRACE_RESULTS_LOCAL_STORAGE_PATH="/data").results.local_storage_path == Path("/data")


def test_a_home_folder_under_a_tilde_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load({"HEADRACE_HOME": "~/runs"}).home == tmp_path / "runs"


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("HEADRACE_API_URL", "https://headrace.example/api", "https://headrace.example/api"),
        ("HEADRACE_API_REQUEST_TIMEOUT", "2.5", 2.5),
        ("HEADRACE_LOGGING_LEVEL", "debug", "DEBUG"),
        ("HEADRACE_LOGGING_LOG_PRINTS", "yes", True),
        ("HEADRACE_LOGGING_LOG_PRINTS", "0", False),
        ("HEADRACE_LOGGING_EXTRA_LOGGERS", "dask, urllib3", ("dask", "urllib3")),
        ("HEADRACE_TASKS_RUNNER_MAX_WORKERS", " 8 ", 8),
        ("HEADRACE_SERVER_API_PORT", "0", 0),
        ("HEADRACE_SERVER_DATABASE_URL", "postgresql+asyncpg://u:p@db/x", "postgresql+asyncpg://u:p@db/x"),
    ],
)
def test_a_variable_sets_its_setting(tmp_path: Path, variable: str, text: str, value: object) -> None:
    assert find(variable).value_from(in_home(tmp_path, **{variable: text})) == value


@pytest.mark.parametrize(
    ("variable", "text", "accepted"),
    [
        ("HEADRACE_API_URL", "127.0.0.1:4200", "an http:// or https:// URL"),
        ("HEADRACE_API_MAX_RETRIES", "many", "a whole number of 0 or more"),
        ("HEADRACE_LOGGING_LEVEL", "LOUD", "one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
        ("HEADRACE_LOGGING_LOG_PRINTS", "perhaps", "true or false"),
        ("HEADRACE_SERVER_API_PORT", "70000", "a whole number from 0 to 65535"),
        ("HEADRACE_SERVER_DATABASE_URL", "mysql://db/x", "sqlite:///PATH or postgresql://"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_what_would(
    tmp_path: Path, variable: str, text: str, accepted: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        in_home(tmp_path, **{variable: text})
    message = str(raised.value)
    assert variable in message
    assert repr(text) in message
    assert accepted in message


def test_a_secret_that_does_not_fit_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        in_home(tmp_path, HEADRACE_SERVER_API_AUTH_STRING="hunter2")
    assert "hunter2" not in str(raised.value)


def test_a_profile_is_over_the_defaults_and_under_the_environment(tmp_path: Path) -> None:
    write_profiles(
        tmp_path,
        'active = "work"\n[profiles.work]\nHEADRACE_API_URL = "http://work/api"\nHEADRACE_API_MAX_RETRIES = 2\n',
    )
    settings = in_home(tmp_path, HEADRACE_API_MAX_RETRIES="3")
    assert (settings.profile, settings.api.url, settings.api.max_retries) == ("work", "http://work/api", 3)


def test_an_empty_variable_brings_the_default_back(tmp_path: Path) -> None:
    write_profiles(tmp_path, '[profiles.default]\nHEADRACE_API_URL = "http://work/api"\n')
    assert in_home(tmp_path, HEADRACE_API_URL="").api.url is None


def test_the_profile_of_the_environment_is_over_the_active_one(tmp_path: Path) -> None:
    write_profiles(
        tmp_path,
        'active = "a"\n[profiles.a]\nHEADRACE_API_URL = "http://a"\n[profiles.b]\nHEADRACE_API_URL = "http://b"\n',
    )
    assert in_home(tmp_path, HEADRACE_PROFILE="b").api.url == "http://b"


def test_a_profile_that_does_not_exist_is_named_with_those_that_do(tmp_path: Path) -> None:
    write_profiles(tmp_path, '[profiles.work]\nHEADRACE_API_URL = "http://work"\n')
    with pytest.raises(SettingsError, match=r"no profile 'home' in .*profiles\.toml\. There are: default, work"):
        in_home(tmp_path, HEADRACE_PROFILE="home")


def test_a_bad_value_in_a_profile_is_named_with_its_file(tmp_path: Path) -> None:
    write_profiles(tmp_path, "[profiles.default]\nHEADRACE_SERVER_API_PORT = -1\n")
    with pytest.raises(
        SettingsError, match=r"HEADRACE_SERVER_API_PORT in the profile 'default' of .*profiles\.toml is '-1'"
    ):
        in_home(tmp_path)


def test_what_is_set_knows_where_it_was_set(tmp_path: Path) -> None:
    write_profiles(tmp_path, '[profiles.default]\nHEADRACE_API_URL = "http://work/api"\n')
    found = assignments({"HEADRACE_HOME": str(tmp_path), "HEADRACE_LOGGING_LEVEL": "DEBUG"})
    assert [(given.setting.variable, given.source) for given in found] == [
        ("HEADRACE_HOME", "environment"),
        ("HEADRACE_PROFILE", "profile"),
        ("HEADRACE_API_URL", "profile"),
        ("HEADRACE_LOGGING_LEVEL", "environment"),
    ]


def test_variables_of_nobody_are_found_and_nearest_names_offered() -> None:
    assert unknown(["HEADRACE_API_URI", "HEADRACE_API_URL", "PATH"]) == ["HEADRACE_API_URI"]
    with pytest.raises(SettingsError, match="Did you mean HEADRACE_API_URL"):
        find("HEADRACE_API_URI")


def test_a_setting_is_found_by_its_variable_and_by_its_path() -> None:
    assert find("server.database.url") is find("HEADRACE_SERVER_DATABASE_URL")


def test_every_setting_says_what_it_is_for_and_what_fits() -> None:
    for setting in catalogue().values():
        assert setting.doc.endswith("."), setting.variable
        assert setting.accepts, setting.variable


def test_every_default_fits_its_own_setting() -> None:
    for setting in catalogue().values():
        if setting.default is not None:
            assert setting.read(setting.default, setting.variable) == setting.default


def test_secrets_and_passwords_are_masked_when_shown() -> None:
    assert "pw" not in find("HEADRACE_API_AUTH_STRING").show("user:pw")
    assert find("HEADRACE_SERVER_DATABASE_URL").show("postgresql://u:pw@db/x") == "postgresql://u:********@db/x"


def test_a_child_process_gets_the_same_settings(tmp_path: Path) -> None:
    given: Mapping[str, str] = {
        "HEADRACE_API_AUTH_STRING": "u:p",
        "HEADRACE_LOGGING_EXTRA_LOGGERS": "a,b",
        "HEADRACE_LOGGING_LOG_PRINTS": "true",
        "HEADRACE_API_REQUEST_TIMEOUT": "3.5",
    }
    settings = in_home(tmp_path, **given)
    assert load(to_environment(settings)) == settings
