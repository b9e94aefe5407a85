"""The default storage of results is a block document that can keep files."""

from uuid import uuid4

from tests.server.api import Api
from tests.server.blocks.made import document, kind


async def chosen(api: Api) -> object:
    return (await api.get("/admin/storage")).json["default_result_storage_block_id"]


async def choose(api: Api, id: object) -> int:
    return (await api.call("PUT", "/admin/storage", {"default_result_storage_block_id": id})).status


async def test_a_document_is_chosen_replaced_and_cleared(api: Api) -> None:
    assert await chosen(api) is None
    ids = await kind(api, "barn", capabilities=["read-path", "write-path", "get-directory"])
    first, second = await document(api, ids, "first", {}), await document(api, ids, "second", {})
    assert (await choose(api, first["id"]), await chosen(api)) == (200, first["id"])
    assert (await choose(api, second["id"]), await chosen(api)) == (200, second["id"])
    assert (await api.delete("/admin/storage")).status == 204
    assert (await api.delete("/admin/storage")).status == 204
    assert await chosen(api) is None


async def test_what_cannot_keep_files_is_refused(api: Api) -> None:
    made = await document(api, await kind(api, "pin", capabilities=["read-path"]), "one", {})
    assert await choose(api, made["id"]) == 422
    assert await choose(api, str(uuid4())) == 404
    assert await choose(api, None) == 422
    assert await chosen(api) is None


async def test_a_document_that_is_deleted_is_no_storage_any_more(api: Api) -> None:
    ids = await kind(api, "barn", capabilities=["read-path", "write-path"])
    made = await document(api, ids, "one", {})
    await choose(api, made["id"])
    await api.delete(f"/block_documents/{made['id']}")
    assert await chosen(api) is None
