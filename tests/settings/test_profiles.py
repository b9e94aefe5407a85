"""Profiles are kept in a file that is whole at any moment."""

import stat
from pathlib import Path

import pytest

from headrace.settings.profiles import read
from headrace.wire.errors import SettingsError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "profiles.toml"


def test_what_is_set_is_read_back(path: Path) -> None:
    read(path).set({"HEADRACE_API_URL": "http://a/api", "logging.level": "debug"}).write()
    assert read(path).values("default") == {"HEADRACE_API_URL": "http://a/api", "HEADRACE_LOGGING_LEVEL": "debug"}


def test_what_is_unset_is_gone_and_the_rest_stays(path: Path) -> None:
    read(path).set({"HEADRACE_API_URL": "http://a/api", "HEADRACE_API_MAX_RETRIES": 2}).write()
    read(path).unset(["api.url"]).write()
    assert read(path).values("default") == {"HEADRACE_API_MAX_RETRIES": 2}


def test_a_setting_that_this_version_does_not_know_can_be_unset(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('[profiles.default]\nHEADRACE_GONE = "x"\n')
    assert read(path).unset(["HEADRACE_GONE"]).values("default") == {}


def test_profiles_are_made_used_and_deleted(path: Path) -> None:
    profiles = read(path).set({"HEADRACE_API_URL": "http://b/api"}, profile="b").use("b")
    profiles.write()
    assert read(path).active == "b"
    with pytest.raises(SettingsError, match="active"):
        read(path).delete("b")
    assert read(path).use("default").delete("b").profiles == {}


def test_a_profile_that_does_not_exist_cannot_be_used(path: Path) -> None:
    with pytest.raises(SettingsError, match="There is no profile 'nope'"):
        read(path).use("nope")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"HEADRACE_API_MAX_RETRIES": "many"}, "HEADRACE_API_MAX_RETRIES"),
        ({"HEADRACE_API_URI": "http://a"}, "Did you mean HEADRACE_API_URL"),
        ({"HEADRACE_HOME": "/x"}, "HEADRACE_HOME"),
    ],
)
def test_what_could_not_be_loaded_is_not_kept(path: Path, changes: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        read(path).set(changes)
    assert not path.exists()


def test_the_file_is_for_its_owner_only(path: Path) -> None:
    read(path).set({"HEADRACE_API_KEY": "s"}).write()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_is_left_beside_the_file(path: Path) -> None:
    read(path).set({"HEADRACE_API_KEY": "s"}).write()
    assert [each.name for each in path.parent.iterdir()] == ["profiles.toml"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[profiles", "is not valid TOML"),
        ("active = 3", "active in"),
        ("profiles = 3", r"must be tables such as \[profiles\.local\]"),
        ('[profiles]\nwork = "x"', r"profiles\.work"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(path: Path, text: str, said: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(SettingsError, match=said) as raised:
        read(path)
    assert str(path) in str(raised.value)
