"""Prefect's own built web UIs, pointed at our API, load every page without a request that fails."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.browser.chromium import Page
from tests.browser.pages import built_ui, serving_pages
from tests.mill import Mill

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]

PAGES = {
    "dashboard": ("/dashboard", "Flow Runs"),
    "runs": ("/runs", "milling-run"),
    "a run": ("/runs/flow-run/{flow_run}", "milling-run"),
    "a task run": ("/runs/task-run/{task_run}", "sift-0"),
    "flows": ("/flows", "grind-grain"),
    "a flow": ("/flows/flow/{flow}", "grind-grain"),
    "deployments": ("/deployments", "mill-deployment"),
    "a deployment": ("/deployments/deployment/{deployment}", "mill-deployment"),
    "work pools": ("/work-pools", "mill-pool"),
    "a work pool": ("/work-pools/work-pool/mill-pool", "mill-pool"),
    "blocks": ("/blocks", "mill-key"),
    "block types": ("/blocks/catalog", "Secret"),
    "a block": ("/blocks/block/{block_document}", "mill-key"),
    "variables": ("/variables", "mill_stones"),
    "artifacts": ("/artifacts", "mill-report"),
    "global concurrency limits": ("/concurrency-limits", "mill-gate"),
    "events": ("/events", "mill.wheel"),
    "an event": ("/events/event/{event_day}/{event}", "mill.wheel"),
    "automations": ("/automations", "mill-watch"),
    "an automation": ("/automations/automation/{automation}", "mill-watch"),
    "a new automation": ("/automations/create", "Trigger"),
    "settings": ("/settings", "Settings"),
}

TABS = {"tag concurrency limits": ("/concurrency-limits?tab=task-run", "mill-tag")}
"""Pages that have an address in the newer UI alone."""


@pytest.fixture(scope="module")
def addresses(mill: Mill) -> Iterator[dict[str, str]]:
    """Where each of the two UIs is served."""
    with (
        serving_pages(built_ui("ui"), mill.api_url) as older,
        serving_pages(built_ui("ui-v2"), mill.api_url) as newer,
    ):
        yield {"ui": older, "ui-v2": newer}


@pytest.mark.parametrize(("ui", "name"), [("ui", n) for n in PAGES] + [("ui-v2", n) for n in PAGES | TABS])
def test_a_page_loads_without_a_failed_request(
    page: Page, addresses: dict[str, str], mill: Mill, ui: str, name: str
) -> None:
    """The page shows what the server holds."""
    path, shows = (PAGES | TABS)[name]
    page.visit(addresses[ui] + path.format(**mill.ids), shows)
    assert [failure for failure in page.failed if urlsplit(failure[1]).hostname == "127.0.0.1"] == []
