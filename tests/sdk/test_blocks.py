"""Blocks: configuration and secrets that are kept by name."""

from typing import Literal
from uuid import UUID

import pytest

from headrace.blocks.core import Block, Field, SecretDict, SecretStr
from headrace.blocks.system import Secret
from headrace.client.orchestration import SyncHeadraceClient
from headrace.wire.errors import FieldError


class Credentials(Block):
    """Who we are to the database.

    Only the first paragraph describes the type.
    """

    user: str
    password: SecretStr
    extra: SecretDict | None = None


class Warehouse(Block):
    _block_type_name = "Our Warehouse"
    _block_schema_capabilities = ["query"]

    host: str
    port: int = Field(5432, description="Where it listens")
    mode: Literal["read", "write"] = "read"
    credentials: Credentials
    options: dict[str, int] = {}


def warehouse(**values: object) -> Warehouse:
    return Warehouse(**({"host": "db", "credentials": Credentials(user="me", password="s3cret")} | values))


def test_fields_are_checked_and_converted() -> None:
    made = warehouse(port="5433", credentials={"user": "me", "password": "x"})
    assert (made.port, made.mode, made.options, made.credentials.user) == (5433, "read", {}, "me")
    with pytest.raises(FieldError) as caught:
        Warehouse(port="no", mode="both", colour="red")
    for name in ("port", "mode", "colour", "host", "credentials"):
        assert f"\n  {name}: " in str(caught.value)


def test_defaults_are_not_shared() -> None:
    warehouse().options["a"] = 1
    assert warehouse().options == {}


def test_secrets_are_not_shown() -> None:
    made = warehouse()
    assert "s3cret" not in f"{made} {made!r} {made.credentials.password}"
    assert made.credentials.password.get_secret_value() == "s3cret"


def test_a_block_comes_back_as_it_was_saved(recorded: SyncHeadraceClient) -> None:
    made = warehouse(options={"a": 1}, credentials=Credentials(user="me", password="s3cret", extra={"k": "v"}))
    document_id = made.save("main")
    found = Warehouse.load("main")
    assert found == made
    assert found.credentials.password.get_secret_value() == "s3cret"
    assert isinstance(document_id, UUID)
    assert Block.load("our-warehouse/main") == made
    assert Warehouse.load_from_ref({"block_document_id": str(document_id)}) == made


def test_what_is_kept_hides_the_secrets(recorded: SyncHeadraceClient) -> None:
    warehouse(credentials=Credentials(user="me", password="s3cret", extra={"k": "v"})).save("main")
    kept = recorded.read_block_document_by_name("main", "our-warehouse", include_secrets=False)
    assert "s3cret" not in str(kept.data)
    assert kept.data["credentials"]["user"] == "me"
    schema = recorded.read_block_schema(kept.block_schema_id)
    assert schema.checksum == Warehouse.get_checksum()
    assert schema.capabilities == ["query"]
    type_ = recorded.read_block_type_by_slug("credentials")
    assert type_.description == "Who we are to the database."


def test_a_saved_block_inside_another_is_kept_by_reference(recorded: SyncHeadraceClient) -> None:
    inner = Credentials(user="me", password="old")
    inner.save("shared")
    warehouse(credentials=inner).save("main")
    Credentials(user="you", password="new").save("shared", overwrite=True)
    found = Warehouse.load("main")
    assert found.credentials.user == "you"
    assert found.credentials.password.get_secret_value() == "new"
    with pytest.raises(ValueError, match="name"):
        warehouse().save()


def test_a_loaded_block_is_saved_under_its_own_name(recorded: SyncHeadraceClient) -> None:
    warehouse().save("main")
    found = Warehouse.load("main")
    found.port = 1
    found.save()
    assert Warehouse.load("main").port == 1


@pytest.mark.usefixtures("recorded")
def test_a_name_is_replaced_only_on_purpose() -> None:
    warehouse().save("main")
    with pytest.raises(ValueError, match=r"our-warehouse/main already.*overwrite=True"):
        warehouse(port=1).save("main")
    warehouse(port=1).save("main", overwrite=True)
    assert Warehouse.load("main").port == 1


@pytest.mark.usefixtures("recorded")
def test_a_deleted_block_is_gone() -> None:
    warehouse().save("main")
    Warehouse.delete("main")
    with pytest.raises(ValueError, match="no block our-warehouse/main"):
        Warehouse.load("main")
    with pytest.raises(ValueError, match="no block"):
        Warehouse.delete("main")


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("value", ["text", 3, {"a": [1]}, None])
def test_a_secret_holds_any_json(value: object) -> None:
    Secret(value=value).save("key")
    assert Secret.load("key").get() == value


async def test_async_code_awaits_blocks(recorded: SyncHeadraceClient) -> None:
    await warehouse().save("main")
    await Secret(value=1).asave("key")
    assert (await Warehouse.load("main")).host == "db"
    assert (await Secret.aload("key")).get() == 1
    await Warehouse.adelete("main")


def test_a_class_of_the_same_fields_has_prefects_checksum() -> None:
    """Measured on Prefect 3.8.8, so that blocks which either product saved have one schema."""

    class Creds(Block):
        user: str
        password: SecretStr

    class Ware(Block):
        host: str
        creds: Creds

    assert Creds.get_checksum() == "sha256:7436b9610313d3b1aab65da12ff80d04f9559cc77042b55a626d9960f51d92f6"
    assert Ware.get_checksum() == "sha256:6c05db709cda0c63bd1e783d585b014dd887a167a3b040779aad8b3efd78f7ab"
