"""The bodies that ask for lists and pages of deployments, and what answers them."""

from headrace.wire.deployments import Deployment
from headrace.wire.listings import Offset, Page, PageNumber, QueueFilters
from headrace.wire.sorts import DeploymentSort


class DeploymentList(QueueFilters, kw_only=True):
    sort: DeploymentSort = DeploymentSort.NAME_ASC
    limit: int | None = None
    offset: Offset = 0


class DeploymentPageRequest(QueueFilters, kw_only=True):
    sort: DeploymentSort = DeploymentSort.NAME_ASC
    limit: int | None = None
    page: PageNumber = 1


class DeploymentPage(Page, kw_only=True):
    results: list[Deployment]
