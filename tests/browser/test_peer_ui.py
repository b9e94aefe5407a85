"""Prefect's own built web UIs, pointed at our API, load every page without a request that fails."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.browser.chromium import Page
from tests.browser.conftest import Mill
from tests.browser.pages import built_ui, serving_pages

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]

LATER = ("/api/events", "/api/automations")
"""What the server does not offer yet: events and automations."""

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
    "tag concurrency limits": ("/concurrency-limits?tab=task-run", "mill-tag"),
    "settings": ("/settings", "Settings"),
}


@pytest.fixture(scope="module", params=["ui", "ui-v2"])
def address(request: pytest.FixtureRequest, mill: Mill) -> Iterator[str]:
    """Where each of the two UIs is served."""
    with serving_pages(built_ui(request.param), mill.api_url) as address:
        yield address


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_without_a_failed_request(page: Page, address: str, mill: Mill, name: str) -> None:
    """The page shows what the server holds; only events and automations may be missing yet."""
    path, shows = PAGES[name]
    page.visit(address + path.format(**mill.ids), shows)
    assert [failure for failure in page.failed if not _later(failure[1])] == []


def _later(url: str) -> bool:
    """Whether the address belongs to what is not offered yet, or to another machine, which no test asks."""
    parts = urlsplit(url)
    return parts.hostname != "127.0.0.1" or parts.path.startswith(LATER)
