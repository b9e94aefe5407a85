"""Inputs of runs by their keys: written, read, listed and deleted as they are kept (contract §11.5)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from headrace.sdk.dispatch import SUSPENDING, api, dispatch
from headrace.sdk.drivers import Driver
from headrace.sdk.input_mail import receiver_id
from headrace.sdk.values import plain
from headrace.wire.errors import ObjectNotFound
from headrace.wire.flow_runs import FlowRunInput


def create_flow_run_input(key: str, value: Any, flow_run_id: UUID | None = None, sender: str | None = None) -> Any:
    """Keep a value with a run, the current one unless an id is given. In async code this is awaited.

    Raises `ObjectAlreadyExists` if the key is taken.
    """
    return dispatch(_create, key, value, flow_run_id, sender)


async def acreate_flow_run_input(
    key: str, value: Any, flow_run_id: UUID | None = None, sender: str | None = None
) -> None:
    """`create_flow_run_input`, always awaited."""
    await _create(SUSPENDING, key, value, flow_run_id, sender)


def read_flow_run_input(key: str, flow_run_id: UUID | None = None) -> Any:
    """A value that is kept with a run, or None if there is none under the key. In async code this is awaited."""
    return dispatch(_read, key, flow_run_id)


async def aread_flow_run_input(key: str, flow_run_id: UUID | None = None) -> Any:
    """`read_flow_run_input`, always awaited."""
    return await _read(SUSPENDING, key, flow_run_id)


def filter_flow_run_input(
    key_prefix: str, limit: int = 1, exclude_keys: Iterable[str] | None = None, flow_run_id: UUID | None = None
) -> Any:
    """The oldest inputs of a run whose keys begin with a prefix. In async code this is awaited."""
    return dispatch(_filter, key_prefix, limit, exclude_keys, flow_run_id)


async def afilter_flow_run_input(
    key_prefix: str, limit: int = 1, exclude_keys: Iterable[str] | None = None, flow_run_id: UUID | None = None
) -> list[FlowRunInput]:
    """`filter_flow_run_input`, always awaited."""
    return await _filter(SUSPENDING, key_prefix, limit, exclude_keys, flow_run_id)


def delete_flow_run_input(key: str, flow_run_id: UUID | None = None) -> Any:
    """Delete what is kept under a key. In async code this is awaited. Raises `ObjectNotFound`."""
    return dispatch(_delete, key, flow_run_id)


async def adelete_flow_run_input(key: str, flow_run_id: UUID | None = None) -> None:
    """`delete_flow_run_input`, always awaited."""
    await _delete(SUSPENDING, key, flow_run_id)


async def _create(driver: Driver, key: str, value: Any, flow_run_id: UUID | None, sender: str | None) -> None:
    text = json.dumps(plain(value))
    await driver.call(api().create_flow_run_input, receiver_id(flow_run_id), key, text, sender)


async def _read(driver: Driver, key: str, flow_run_id: UUID | None) -> Any:
    try:
        return json.loads(await driver.call(api().read_flow_run_input, receiver_id(flow_run_id), key))
    except ObjectNotFound:
        return None


async def _filter(
    driver: Driver, key_prefix: str, limit: int, exclude_keys: Iterable[str] | None, flow_run_id: UUID | None
) -> list[FlowRunInput]:
    excluded = sorted(exclude_keys or ())
    return await driver.call(api().filter_flow_run_input, receiver_id(flow_run_id), key_prefix, limit, excluded)


async def _delete(driver: Driver, key: str, flow_run_id: UUID | None) -> None:
    await driver.call(api().delete_flow_run_input, receiver_id(flow_run_id), key)
