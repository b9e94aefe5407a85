"""Artifacts: what runs leave for people to see."""

import json
from uuid import UUID

import pytest

from headrace import flow, task
from headrace.artifacts import (
    Artifact,
    MarkdownArtifact,
    acreate_table_artifact,
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from headrace.client.orchestration import SyncHeadraceClient
from headrace.wire.errors import ObjectNotFound


def test_an_artifact_belongs_to_the_run_that_makes_it(recorded: SyncHeadraceClient) -> None:
    @task
    def reports() -> UUID:
        return create_markdown_artifact("# Inner", key="inner")

    @flow
    def outer() -> tuple[UUID, UUID]:
        return create_markdown_artifact("# Outer", key="outer", description="of the flow"), reports()

    of_flow, of_task = (recorded.read_artifact(each) for each in outer())
    (run,) = recorded.read_flow_runs()
    assert (of_flow.flow_run_id, of_flow.task_run_id, of_flow.description) == (run.id, None, "of the flow")
    assert of_task.flow_run_id == run.id
    assert of_task.task_run_id is not None
    assert (of_task.type, of_task.data) == ("markdown", "# Inner")


@pytest.mark.parametrize(
    ("table", "kept"),
    [
        ({"a": [1, 2]}, {"a": [1, 2]}),
        ([{"a": 1, "b": float("nan")}], [{"a": 1, "b": None}]),
        ([[1, float("inf")], ["x", None]], [[1, None], ["x", None]]),
        ([], []),
    ],
)
def test_a_table_is_kept_as_json(recorded: SyncHeadraceClient, table: object, kept: object) -> None:
    made = recorded.read_artifact(create_table_artifact(table))
    assert (made.type, json.loads(made.data)) == ("table", kept)


def test_links_and_images_are_kept(recorded: SyncHeadraceClient) -> None:
    link = recorded.read_artifact(create_link_artifact("https://example.org", link_text="there"))
    assert (link.type, link.data) == ("markdown", "[there](https://example.org)")
    assert recorded.read_artifact(create_link_artifact("https://a")).data == "[https://a](https://a)"
    image = recorded.read_artifact(create_image_artifact("https://example.org/a.png"))
    assert (image.type, image.data) == ("image", "https://example.org/a.png")


def test_a_bar_moves(recorded: SyncHeadraceClient) -> None:
    made = create_progress_artifact(0.0, key="bar", description="loading")
    assert update_progress_artifact(made, 99.5) == made
    bar = recorded.read_artifact(made)
    assert (bar.type, bar.data, bar.description) == ("progress", 99.5, "loading")


@pytest.mark.parametrize("progress", [-0.1, 100.1, float("nan")])
@pytest.mark.usefixtures("recorded")
def test_progress_is_a_percentage(progress: float) -> None:
    with pytest.raises(ValueError, match="percentage"):
        create_progress_artifact(progress)


def test_the_newest_of_a_key_is_found(recorded: SyncHeadraceClient) -> None:
    create_markdown_artifact("old", key="report")
    create_markdown_artifact("new", key="report")
    assert Artifact.get("report").data == "new"
    assert Artifact.get("none") is None
    found, made = MarkdownArtifact.get_or_create("report", markdown="never")
    assert (found.data, made) == ("new", False)
    found, made = MarkdownArtifact.get_or_create("another", markdown="first")
    assert (found.data, made) == ("first", True)
    assert [each.key for each in recorded.read_latest_artifacts()] == ["another", "report"]


async def test_async_code_awaits_artifacts(recorded: SyncHeadraceClient) -> None:
    @flow
    async def outer() -> UUID:
        await acreate_table_artifact([{"a": 1}], key="rows")
        return await create_markdown_artifact("# Awaited", key="text")

    made = recorded.read_artifact(await outer())
    assert made.data == "# Awaited"
    assert made.flow_run_id is not None
    with pytest.raises(ObjectNotFound):
        await update_progress_artifact(UUID(int=1), 5)
