"""Named JSON values that flows share: `Variable.get("region")`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from headrace.sdk.dispatch import SUSPENDING, api, dispatch
from headrace.sdk.drivers import Driver
from headrace.wire.errors import ObjectNotFound
from headrace.wire.variables import VariableCreate, VariableUpdate


class Variable(msgspec.Struct):
    """A value that the API keeps under a name: any JSON of at most 5,000 characters.

    Names are lower-case letters, digits, dashes and underscores. In async code each of these is awaited.

    >>> Variable.set("region", "eu-west-1")
    Variable(name='region', value='eu-west-1', tags=[])
    >>> Variable.get("region")
    'eu-west-1'
    """

    name: str
    value: Any
    tags: list[str] = []

    @classmethod
    def get(cls, name: str, default: Any = None) -> Any:
        """The value of a variable, or the default if there is none of that name."""
        return dispatch(_get, name, default)

    @classmethod
    async def aget(cls, name: str, default: Any = None) -> Any:
        """`get`, always awaited."""
        return await _get(SUSPENDING, name, default)

    @classmethod
    def set(cls, name: str, value: Any, tags: Iterable[str] | None = None, overwrite: bool = False) -> Any:
        """Keep a value. Raises `ValueError` if the name is taken, unless it may be overwritten."""
        return dispatch(_set, name, value, tags, overwrite)

    @classmethod
    async def aset(cls, name: str, value: Any, tags: Iterable[str] | None = None, overwrite: bool = False) -> Variable:
        """`set`, always awaited."""
        return await _set(SUSPENDING, name, value, tags, overwrite)

    @classmethod
    def unset(cls, name: str) -> Any:
        """Remove a variable; False if there is none of that name."""
        return dispatch(_unset, name)

    @classmethod
    async def aunset(cls, name: str) -> bool:
        """`unset`, always awaited."""
        return await _unset(SUSPENDING, name)


async def _get(driver: Driver, name: str, default: Any) -> Any:
    found = await driver.call(api().read_variable_by_name, name)
    return default if found is None else found.value


async def _set(driver: Driver, name: str, value: Any, tags: Iterable[str] | None, overwrite: bool) -> Variable:
    known = await driver.call(api().read_variable_by_name, name)
    if known is None:
        made = await driver.call(api().create_variable, VariableCreate(name=name, value=value, tags=list(tags or ())))
        return Variable(made.name, made.value, made.tags)
    if not overwrite:
        raise ValueError(f"There is a variable named {name!r} already: pass overwrite=True to give it another value.")
    kept = known.tags if tags is None else list(tags)
    await driver.call(api().update_variable, VariableUpdate(name=name, value=value, tags=kept))
    return Variable(name, value, kept)


async def _unset(driver: Driver, name: str) -> bool:
    try:
        await driver.call(api().delete_variable_by_name, name)
    except ObjectNotFound:
        return False
    return True
