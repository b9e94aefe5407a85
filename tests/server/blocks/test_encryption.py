"""What block documents hold cannot be read in the database."""

from typing import Any

import pytest
from cryptography.fernet import Fernet

from headrace.server.blocks.documents import encryption
from headrace.server.store.base import Statement, Store
from headrace.settings import Settings, load
from headrace.wire.errors import SettingsError, StoreError
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.blocks.made import document, kind, secrets_of
from tests.server.told import told

KEPT = Statement("SELECT data FROM block_documents")
DOCUMENT: dict[str, Any] = {"password": "hunter2", "n": [1, None, "ö"]}


def with_key(settings: Settings, key: str) -> Settings:
    import msgspec

    server = msgspec.structs.replace(settings.server, encryption_key=key)
    return msgspec.structs.replace(settings, server=server)


async def test_the_database_keeps_neither_values_nor_their_names(api: Api) -> None:
    made = await document(api, await kind(api, "mill"), "one", DOCUMENT)
    (row,) = await api.store.fetch(KEPT)
    assert "hunter2" not in row[0]
    assert "password" not in row[0]
    assert await secrets_of(api, made["id"]) == DOCUMENT


async def test_a_key_is_made_once_and_kept(store: Store, database_settings: Settings) -> None:
    async with store.transaction() as transaction:
        first = await encryption.writing(transaction, database_settings, now())
    token = first.encrypted(DOCUMENT)
    async with store.transaction() as transaction:
        assert (await encryption.writing(transaction, database_settings, now())).decrypted(token) == DOCUMENT
    assert (await encryption.reading(store, database_settings)).decrypted(token) == DOCUMENT


async def test_a_key_of_the_settings_is_used_and_the_database_keeps_none(
    store: Store, database_settings: Settings
) -> None:
    key = Fernet.generate_key().decode()
    async with store.transaction() as transaction:
        cipher = await encryption.writing(transaction, with_key(database_settings, key), now())
    assert Fernet(key).decrypt(cipher.encrypted({"a": 1})) == b'{"a":1}'
    with pytest.raises(StoreError, match="HEADRACE_SERVER_ENCRYPTION_KEY"):
        await encryption.reading(store, database_settings)


async def test_what_was_written_before_a_key_was_set_stays_readable(store: Store, database_settings: Settings) -> None:
    async with store.transaction() as transaction:
        token = (await encryption.writing(transaction, database_settings, now())).encrypted(DOCUMENT)
    settings = with_key(database_settings, Fernet.generate_key().decode())
    assert (await encryption.reading(store, settings)).decrypted(token) == DOCUMENT


def test_another_key_does_not_read_it_and_says_which_setting_to_change() -> None:
    written, other = (encryption.Cipher((Fernet.generate_key().decode(),)) for _ in range(2))
    with pytest.raises(StoreError, match="HEADRACE_SERVER_ENCRYPTION_KEY"):
        other.decrypted(written.encrypted(DOCUMENT))


def test_a_key_that_is_none_is_refused_when_settings_are_read_and_not_shown() -> None:
    with pytest.raises(SettingsError, match="Fernet key") as refused:
        load({"HEADRACE_SERVER_ENCRYPTION_KEY": "too-short"})
    assert "too-short" not in str(refused.value)


async def test_a_document_whose_key_is_lost_can_be_deleted_and_is_told_of_without_its_values(api: Api) -> None:
    made = await document(api, await kind(api, "mill", {"properties": {"n": {}}}), "one", {"n": 1})
    await api.store.execute(Statement("DELETE FROM configuration"))
    assert (await api.delete(f"/block_documents/{made['id']}")).status == 204

    deleted = (await told(api.store))[-1]
    assert (deleted.event, deleted.name, deleted.payload["data"]) == ("prefect.block-document.deleted", "one", {})
    assert (await api.get(f"/block_documents/{made['id']}")).status == 404
