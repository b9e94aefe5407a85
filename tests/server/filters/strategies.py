"""Filters of every kind with every operator, made from the types themselves, so that none is forgotten."""

from datetime import datetime
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from hypothesis import strategies as st

from headrace.wire.filters import Filter, LogFilter, Operator
from headrace.wire.states import StateType
from headrace.wire.statuses import WorkerStatus
from tests.server.filters.world import Pools

_LEFT_OUT = {(LogFilter, "text")}


def filters(kind: type[Filter], pools: Pools) -> st.SearchStrategy[Filter]:
    """Filters of one type: each criterion is given now and then, with values that occur and some that do not."""
    hints = get_type_hints(kind)
    fields = {
        name: _value(type_, pools)
        for name, type_ in hints.items()
        if not name.startswith("__") and (kind, name) not in _LEFT_OUT
    }
    some = st.lists(st.sampled_from(sorted(fields)), max_size=3, unique=True)
    return some.flatmap(lambda names: st.builds(kind, **{name: fields[name] for name in names}))


def _value(type_: Any, pools: Pools) -> st.SearchStrategy[Any]:
    if get_origin(type_) in (Union, UnionType):
        (type_,) = (option for option in get_args(type_) if option is not NoneType)
    if get_origin(type_) is list:
        return st.lists(_value(get_args(type_)[0], pools), max_size=4)
    if isinstance(type_, type) and issubclass(type_, Filter):
        return filters(type_, pools)
    return _scalar(type_, pools)


def _scalar(type_: Any, pools: Pools) -> st.SearchStrategy[Any]:
    if type_ is UUID:
        return st.sampled_from(pools.ids) | st.uuids()
    if type_ is str:
        return st.sampled_from(pools.texts)
    if type_ is datetime:
        return st.sampled_from(pools.moments)
    if type_ is bool:
        return st.booleans()
    if type_ is int or get_args(type_)[:1] == (int,):
        return st.sampled_from((0, 10, 20, 25, 40, 50))
    if type_ in (Operator, StateType, WorkerStatus):
        return st.sampled_from(list(type_))
    raise AssertionError(f"no values are known for {type_}")
