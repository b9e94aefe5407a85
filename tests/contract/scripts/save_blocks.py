"""Saves, loads, changes and deletes blocks with Prefect's client; prints what it saw as JSON."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx
from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.filesystems import LocalFileSystem
from prefect.settings import PREFECT_API_URL
from prefect.types import SecretDict
from pydantic import BaseModel, SecretStr


class Deeper(BaseModel):
    depth: float = 1.0


class Settings(BaseModel):
    deeper: Deeper = Deeper()
    name: str = "übung"


class Credentials(Block):
    """Who somebody is. ✓"""

    user: str
    password: SecretStr
    settings: Settings = Settings()


class Token(Block):
    token: SecretStr


class Connection(Block):
    credentials: Credentials
    either: Credentials | Token
    several: list[Credentials] = []
    headers: SecretDict = SecretDict({})
    settings: Settings = Settings()
    port: int = 1


def shown(path: str) -> Any:
    """What the API answers to somebody who does not ask for secrets."""
    return httpx.get(f"{PREFECT_API_URL.value()}{path}").raise_for_status().json()


def secret() -> dict[str, Any]:
    Secret(value="one").save("contract")
    first = Secret.load("contract").get()
    taken = "nothing"
    try:
        Secret(value="two").save("contract")
    except ValueError as error:
        taken = str(error)
    Secret(value={"user": "ada", "n": [1, 2.5]}).save("contract", overwrite=True)
    loaded = Secret.load("contract").get()
    path = "/block_types/slug/secret/block_documents/name/contract"
    hidden = shown(path)["data"]
    Secret.delete("contract")
    missing = "found"
    try:
        Secret.load("contract")
    except ValueError as error:
        missing = str(error)
    return {"first": first, "taken": taken, "loaded": loaded, "hidden": hidden, "missing": missing}


def nested() -> dict[str, Any]:
    ada = Credentials(user="ada", password=SecretStr("lovelace"))
    ada.save("ada")
    token = Token(token=SecretStr("t0ken"))
    token.save("token")
    connection = Connection(
        credentials=ada,
        either=token,
        several=[Credentials(user="bob", password=SecretStr("b0b"))],
        headers=SecretDict({"auth": "h3ader"}),
    )
    connection.save("both")
    loaded = Connection.load("both")
    path = "/block_types/slug/connection/block_documents/name/both"
    before = shown(path)
    loaded.port = 2
    loaded.save("both", overwrite=True)
    Credentials(user="ada", password=SecretStr("changed")).save("ada", overwrite=True)
    again = Connection.load("both")
    references = before["block_document_references"]
    return {
        "either": type(loaded.either).__name__,
        "values": values(loaded),
        "again": values(again),
        "port": again.port,
        "hidden": before["data"],
        "references": {name: found["block_document"]["name"] for name, found in references.items()},
        "still": sorted(shown(path)["block_document_references"]),
    }


def values(connection: Connection) -> list[str]:
    either = connection.either
    assert isinstance(either, Token)
    return [
        connection.credentials.password.get_secret_value(),
        either.token.get_secret_value(),
        connection.several[0].password.get_secret_value(),
        connection.headers.get_secret_value()["auth"],
        connection.settings.name,
    ]


async def checksums() -> dict[str, bool]:
    """For each class, whether the server finds its schema by the checksum that the client works out."""
    found: dict[str, bool] = {}
    async with get_client() as client:
        for block in (Secret, LocalFileSystem, Credentials, Token, Connection):
            await block.register_type_and_schema(client=client)
            checksum = block._calculate_schema_checksum()
            schema = await client.read_block_schema_by_checksum(checksum, version=block.get_block_schema_version())
            found[block.__name__] = schema.checksum == checksum and schema.id == block._block_schema_id
    return found


async def listed() -> dict[str, Any]:
    async with get_client() as client:
        anonymous = LocalFileSystem(basepath="/tmp")
        await anonymous._save(is_anonymous=True, client=client)
        documents = await client.read_block_documents()
        types = await client.read_block_types()
        return {
            "documents": sorted(document.name for document in documents),
            "types": sorted(type_.slug for type_ in types),
            "by_type": [document.name for document in await client.read_block_documents_by_type("credentials")],
            "schemas": len(await client.read_block_schemas()) > 0,
            "missing": await missing(client),
        }


async def missing(client: Any) -> str:
    try:
        await client.read_block_document(uuid4())
    except Exception as error:
        return type(error).__name__
    return "found"


if __name__ == "__main__":
    seen: dict[str, Any] = {"secret": secret(), "nested": nested()}
    seen["checksums"] = asyncio.run(checksums())
    seen["listed"] = asyncio.run(listed())
    print(json.dumps(seen))
