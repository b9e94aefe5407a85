"""Settings hold for a process, and other ones for the length of a block."""

import asyncio
from pathlib import Path

import pytest

import headrace.settings
from headrace.settings import (
    HEADRACE_API_URL,
    HEADRACE_HOME,
    HEADRACE_TASKS_DEFAULT_RETRIES,
    current,
    get_current_settings,
    temporary_settings,
)
from headrace.wire.errors import SettingsError


def test_other_values_hold_within_the_block_only() -> None:
    before = HEADRACE_TASKS_DEFAULT_RETRIES.value()
    with temporary_settings({HEADRACE_TASKS_DEFAULT_RETRIES: 7}) as settings:
        assert get_current_settings() is settings
        assert HEADRACE_TASKS_DEFAULT_RETRIES.value() == 7
    assert HEADRACE_TASKS_DEFAULT_RETRIES.value() == before


def test_blocks_nest() -> None:
    with temporary_settings({HEADRACE_API_URL: "http://outer/api"}):
        with temporary_settings({HEADRACE_TASKS_DEFAULT_RETRIES: 7}):
            assert (current().api.url, current().tasks.default_retries) == ("http://outer/api", 7)
        assert current().tasks.default_retries != 7


def test_variables_and_paths_are_keys_too() -> None:
    with temporary_settings({"HEADRACE_API_URL": "http://a/api", "tasks.default_retries": "2"}):
        assert (current().api.url, current().tasks.default_retries) == ("http://a/api", 2)


def test_none_and_restored_defaults_take_a_value_back() -> None:
    with temporary_settings({HEADRACE_API_URL: "http://a/api", HEADRACE_TASKS_DEFAULT_RETRIES: 3}):
        with temporary_settings({HEADRACE_API_URL: None}):
            assert current().api.url is None
        with temporary_settings(restore_defaults=[HEADRACE_TASKS_DEFAULT_RETRIES]):
            assert (current().api.url, current().tasks.default_retries) == ("http://a/api", 0)


def test_what_lies_in_the_home_folder_moves_with_it(tmp_path: Path) -> None:
    with temporary_settings({HEADRACE_HOME: tmp_path}) as settings:
        assert settings.results.local_storage_path == tmp_path / "storage"
        assert settings.database_url == f"sqlite:///{tmp_path}/headrace.db"


def test_a_value_that_does_not_fit_changes_nothing() -> None:
    before = current()
    with pytest.raises(SettingsError, match="HEADRACE_API_URL"), temporary_settings({HEADRACE_API_URL: "nowhere"}):
        pytest.fail("the block must not be entered")
    assert current() is before


async def test_two_tasks_do_not_see_each_others_values() -> None:
    async def seen(retries: int, gate: asyncio.Barrier) -> int:
        with temporary_settings({HEADRACE_TASKS_DEFAULT_RETRIES: retries}):
            await gate.wait()
            return current().tasks.default_retries

    gate = asyncio.Barrier(2)
    assert await asyncio.gather(seen(1, gate), seen(2, gate)) == [1, 2]


def test_a_handle_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="HEADRACE_NOTHING"):
        headrace.settings.__getattr__("HEADRACE_NOTHING")
