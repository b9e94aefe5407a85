"""`/collections/views` tells clients about workers that they have not installed."""

import re

import pytest

from headrace.server.collections.service import worker_metadata
from tests.server.api import Api

WORKERS = {
    "prefect": {"process"},
    "prefect-aws": {"ecs"},
    "prefect-azure": {"azure-container-instance"},
    "prefect-docker": {"docker"},
    "prefect-gcp": {"cloud-run", "cloud-run-v2", "vertex-ai"},
    "prefect-kubernetes": {"kubernetes"},
}


async def test_the_types_of_workers_are_known_by_package(api: Api) -> None:
    found = (await api.get("/collections/views/aggregate-worker-metadata")).json
    assert {package: set(workers) for package, workers in found.items()} == WORKERS


@pytest.mark.parametrize(("package", "kind"), [(p, kind) for p, kinds in WORKERS.items() for kind in sorted(kinds)])
def test_a_template_declares_every_variable_that_it_uses(package: str, kind: str) -> None:
    worker = worker_metadata()[package][kind]
    assert worker["type"] == kind
    template = worker["default_base_job_configuration"]
    used = set(re.findall(r"\{\{ *(\w+) *\}\}", str(template["job_configuration"])))
    assert used
    assert used <= set(template["variables"]["properties"])


async def test_the_server_s_own_blocks_are_known_too(api: Api) -> None:
    found = (await api.get("/collections/views/aggregate-block-metadata")).json
    secret = found["prefect"]["block_types"]["secret"]
    assert (secret["name"], secret["block_schema"]["fields"]["title"]) == ("Secret", "Secret")
    assert (await api.get("/collections/views/aggregate-flow-metadata")).json == {}


async def test_a_view_that_nobody_knows_is_not_found(api: Api) -> None:
    missing = await api.get("/collections/views/aggregate-weather")
    assert (missing.status, missing.json["detail"]) == (404, "View aggregate-weather not found in registry")
