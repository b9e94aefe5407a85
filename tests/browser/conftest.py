"""A server with one of everything, and a browser to look at it."""

from collections.abc import Iterator

import pytest

from tests.browser.chromium import Page, chromium
from tests.mill import Mill, furnish
from tests.processes import serving


@pytest.fixture(scope="module")
def mill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mill]:
    """A server that holds one of each noun."""
    with serving(tmp_path_factory.mktemp("headrace")) as server:
        yield furnish(server.api_url)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser's tab."""
    with chromium(tmp_path_factory.mktemp("chromium")) as page:
        yield page
