"""Flows: the named thing that runs are runs of."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Wire

Label = bool | int | float | str
Labels = dict[str, Label]
Name = Annotated[str, msgspec.Meta(min_length=1, pattern=r"^[^/%&><]+$")]
"""A name that can stand in a URL path: not empty, none of `/ % & > <` (contract §1)."""


class Flow(Wire, kw_only=True):
    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    name: str
    tags: list[str] = []
    labels: Labels | None = {}


class FlowCreate(Body, kw_only=True):
    name: Name
    tags: list[str] = []
    labels: Labels | None = {}


class FlowUpdate(Body, kw_only=True):
    tags: list[str] | msgspec.UnsetType = msgspec.UNSET
