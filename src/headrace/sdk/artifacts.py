"""Things that runs leave for people to see: links, Markdown, tables, progress bars and images.

An artifact belongs to the run that makes it. Those of one key are versions of one thing; the newest is shown first.
In async code each function is awaited; those named `a…` always are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

import msgspec

from headrace.sdk.context import FlowRunContext, TaskRunContext
from headrace.sdk.dispatch import SUSPENDING, api, dispatch
from headrace.sdk.drivers import Driver
from headrace.wire import artifacts as wire
from headrace.wire.errors import ObjectNotFound

Table = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]] | Sequence[Sequence[Any]]
"""Columns by name, rows by column name, or rows alone."""


class Artifact(msgspec.Struct, kw_only=True):
    """What is kept, before it is: `create()` makes it. Keys are lower-case letters, digits and dashes."""

    default_type: ClassVar[str | None] = None

    type: str | None = None
    key: str | None = None
    description: str | None = None
    data: Any = None

    def __post_init__(self) -> None:
        """An artifact of a kind has that kind's type."""
        if self.type is None:
            self.type = self.default_type

    def format(self) -> Any:
        """The data as it is kept."""
        return self.data

    def create(self) -> Any:
        """Keep it as an artifact of the current run; the artifact as the API has it."""
        return dispatch(_create, self)

    async def acreate(self) -> wire.Artifact:
        """`create`, always awaited."""
        return await _create(SUSPENDING, self)

    @classmethod
    def get(cls, key: str | None = None) -> Any:
        """The newest artifact of a key, or None."""
        return dispatch(_latest, key)

    @classmethod
    async def aget(cls, key: str | None = None) -> wire.Artifact | None:
        """`get`, always awaited."""
        return await _latest(SUSPENDING, key)

    @classmethod
    def get_or_create(
        cls, key: str | None = None, description: str | None = None, data: Any = None, **values: Any
    ) -> Any:
        """The newest artifact of a key and False, or if there is none, a new one and True."""
        return dispatch(_get_or_create, cls(key=key, description=description, data=data, **values))

    @classmethod
    async def aget_or_create(
        cls, key: str | None = None, description: str | None = None, data: Any = None, **values: Any
    ) -> tuple[wire.Artifact, bool]:
        """`get_or_create`, always awaited."""
        return await _get_or_create(SUSPENDING, cls(key=key, description=description, data=data, **values))


class LinkArtifact(Artifact, kw_only=True):
    """A link, shown with a text."""

    default_type = "markdown"
    link: str
    link_text: str | None = None

    def format(self) -> str:
        return f"[{self.link_text or self.link}]({self.link})"


class MarkdownArtifact(Artifact, kw_only=True):
    """A text in Markdown."""

    default_type = "markdown"
    markdown: str

    def format(self) -> str:
        return self.markdown


class TableArtifact(Artifact, kw_only=True):
    """Rows and columns; numbers that JSON has no form for are shown as missing."""

    default_type = "table"
    table: Table

    def format(self) -> str:
        return json.dumps(_without_nan(msgspec.to_builtins(self.table, str_keys=True, enc_hook=str)))


class ProgressArtifact(Artifact, kw_only=True):
    """A bar from 0 to 100."""

    default_type = "progress"
    progress: float

    def format(self) -> float:
        return _progress(self.progress)


class ImageArtifact(Artifact, kw_only=True):
    """An image at a public URL."""

    default_type = "image"
    image_url: str

    def format(self) -> str:
        return self.image_url


def create_link_artifact(
    link: str, link_text: str | None = None, key: str | None = None, description: str | None = None
) -> Any:
    """Keep a link; the artifact's id."""
    return dispatch(_created, LinkArtifact(link=link, link_text=link_text, key=key, description=description))


async def acreate_link_artifact(
    link: str, link_text: str | None = None, key: str | None = None, description: str | None = None
) -> UUID:
    """`create_link_artifact`, always awaited."""
    artifact = LinkArtifact(link=link, link_text=link_text, key=key, description=description)
    return await _created(SUSPENDING, artifact)


def create_markdown_artifact(markdown: str, key: str | None = None, description: str | None = None) -> Any:
    """Keep a text in Markdown; the artifact's id.

    >>> create_markdown_artifact("# Report", key="report")
    """
    return dispatch(_created, MarkdownArtifact(markdown=markdown, key=key, description=description))


async def acreate_markdown_artifact(markdown: str, key: str | None = None, description: str | None = None) -> UUID:
    """`create_markdown_artifact`, always awaited."""
    return await _created(SUSPENDING, MarkdownArtifact(markdown=markdown, key=key, description=description))


def create_table_artifact(table: Table, key: str | None = None, description: str | None = None) -> Any:
    """Keep a table; the artifact's id.

    >>> create_table_artifact([{"name": "a", "rows": 3}, {"name": "b", "rows": 5}], key="loaded")
    """
    return dispatch(_created, TableArtifact(table=table, key=key, description=description))


async def acreate_table_artifact(table: Table, key: str | None = None, description: str | None = None) -> UUID:
    """`create_table_artifact`, always awaited."""
    return await _created(SUSPENDING, TableArtifact(table=table, key=key, description=description))


def create_progress_artifact(progress: float, key: str | None = None, description: str | None = None) -> Any:
    """Show a bar at a percentage; the artifact's id, to move it with. Raises `ValueError` outside of 0 to 100."""
    return dispatch(_created, ProgressArtifact(progress=progress, key=key, description=description))


async def acreate_progress_artifact(progress: float, key: str | None = None, description: str | None = None) -> UUID:
    """`create_progress_artifact`, always awaited."""
    return await _created(SUSPENDING, ProgressArtifact(progress=progress, key=key, description=description))


def update_progress_artifact(artifact_id: UUID, progress: float, description: str | None = None) -> Any:
    """Move a bar; its artifact's id. Raises `ValueError` outside of 0 to 100 and `ObjectNotFound`."""
    return dispatch(_update_progress, artifact_id, progress, description)


async def aupdate_progress_artifact(artifact_id: UUID, progress: float, description: str | None = None) -> UUID:
    """`update_progress_artifact`, always awaited."""
    return await _update_progress(SUSPENDING, artifact_id, progress, description)


def create_image_artifact(image_url: str, key: str | None = None, description: str | None = None) -> Any:
    """Show the image at a public URL; the artifact's id."""
    return dispatch(_created, ImageArtifact(image_url=image_url, key=key, description=description))


async def acreate_image_artifact(image_url: str, key: str | None = None, description: str | None = None) -> UUID:
    """`create_image_artifact`, always awaited."""
    return await _created(SUSPENDING, ImageArtifact(image_url=image_url, key=key, description=description))


async def _create(driver: Driver, artifact: Artifact) -> wire.Artifact:
    flow_run, task_run = FlowRunContext.get(), TaskRunContext.get()
    body = wire.ArtifactCreate(
        type=artifact.type,
        key=artifact.key,
        description=artifact.description,
        data=artifact.format(),
        flow_run_id=flow_run.flow_run.id if flow_run is not None else None,
        task_run_id=task_run.task_run.id if task_run is not None else None,
    )
    return await driver.call(api().create_artifact, body)


async def _created(driver: Driver, artifact: Artifact) -> UUID:
    return (await _create(driver, artifact)).id


async def _latest(driver: Driver, key: str | None) -> wire.Artifact | None:
    if key is None:
        return None
    try:
        return await driver.call(api().read_latest_artifact, key)
    except ObjectNotFound:
        return None


async def _get_or_create(driver: Driver, artifact: Artifact) -> tuple[wire.Artifact, bool]:
    found = await _latest(driver, artifact.key)
    return (found, False) if found is not None else (await _create(driver, artifact), True)


async def _update_progress(driver: Driver, artifact_id: UUID, progress: float, description: str | None) -> UUID:
    body = wire.ArtifactUpdate(data=_progress(progress))
    if description is not None:
        body.description = description
    await driver.call(api().update_artifact, artifact_id, body)
    return artifact_id


def _progress(value: float) -> float:
    if not 0 <= value <= 100:
        raise ValueError(f"Progress is a percentage from 0 to 100, and {value!r} is not.")
    return value


def _without_nan(value: Any) -> Any:
    """The value with null where a number is not a number or infinite, which JSON cannot say."""
    match value:
        case float() if not math.isfinite(value):
            return None
        case list():
            return [_without_nan(each) for each in value]  # pyright: ignore[reportUnknownVariableType] # any table
        case dict():
            return {name: _without_nan(each) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value
