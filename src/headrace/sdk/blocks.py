"""Blocks: configuration and secrets that are kept by name, as objects of the user's own classes.

>>> class Database(Block):
...     host: str
...     password: SecretStr
>>> Database(host="db", password="s3cret").save("warehouse")
>>> Database.load("warehouse").host
'db'
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Self, cast
from uuid import UUID

from headrace.rules.block_schemas import checksum
from headrace.sdk import block_schemas
from headrace.sdk.block_schemas import BLOCKS
from headrace.sdk.dispatch import SUSPENDING, api, dispatch
from headrace.sdk.drivers import Driver
from headrace.sdk.fields import Fielded, fields_of, plain_values_of
from headrace.sdk.json_schemas import Definitions, Schema
from headrace.sdk.secrets import Secret
from headrace.wire.blocks import (
    BlockDocument,
    BlockDocumentCreate,
    BlockDocumentUpdate,
    BlockSchema,
    BlockSchemaCreate,
    BlockType,
    BlockTypeCreate,
    BlockTypeUpdate,
)
from headrace.wire.errors import ObjectAlreadyExists, ObjectNotFound

_NOT_NAME = re.compile(r"[^a-z0-9]+")


class Block(Fielded):
    """The base of users' blocks: annotated fields, and the names that begin with `_block_` to describe the type.

    In async code `save`, `load`, `delete` and `register_type_and_schema` are awaited; those named `a…` always are.
    """

    _block_type_name: ClassVar[str | None] = None
    _block_type_slug: ClassVar[str | None] = None
    _block_schema_capabilities: ClassVar[list[str] | None] = None
    _block_schema_version: ClassVar[str | None] = None
    _logo_url: ClassVar[str | None] = None
    _documentation_url: ClassVar[str | None] = None
    _description: ClassVar[str | None] = None
    _code_example: ClassVar[str | None] = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        BLOCKS[cls.get_block_type_slug()] = cls

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self._block_document_id: UUID | None = None
        self._block_document_name: str | None = None
        self._is_anonymous: bool | None = None
        self.block_initialization()

    def block_initialization(self) -> None:
        """Called when the fields have their values; for subclasses."""

    @classmethod
    def get_block_type_name(cls) -> str:
        """The name of the type, which people see."""
        return cls.__dict__.get("_block_type_name") or cls.__name__

    @classmethod
    def get_block_type_slug(cls) -> str:
        """The name of the type, which programs use."""
        own = cls.__dict__.get("_block_type_slug")
        return own or _NOT_NAME.sub("-", cls.get_block_type_name().lower()).strip("-")

    @classmethod
    def get_block_capabilities(cls) -> list[str]:
        """What blocks of this class can do, in words that filters ask for; those of base classes count."""
        bases = [base for base in cls.__mro__ if issubclass(base, Block)]
        return sorted({each for base in bases for each in base._block_schema_capabilities or ()})

    @classmethod
    def get_description(cls) -> str | None:
        """What the class says that it is for."""
        return cls._description or block_schemas.description_of(cls)

    @classmethod
    def json_schema_in(cls, definitions: Definitions) -> Schema:
        """The fields as the API keeps them: with which of them are secret, and which refer to other blocks."""
        return block_schemas.complete(cls, super().json_schema_in(definitions))

    @classmethod
    def get_checksum(cls) -> str:
        """Tells this version of the fields from others (contract §11.4)."""
        return checksum(cls.json_schema())

    @classmethod
    def from_plain(cls, value: Any) -> Self:
        """A block from its values, or of the class that a value's `block_type_slug` names."""
        if not isinstance(value, dict):
            raise ValueError(f"Expected `{cls.__name__}`, got `{type(value).__name__}`")
        values = dict(cast("dict[str, Any]", value))
        slug = values.pop("block_type_slug", None)
        if slug is None or slug == cls.get_block_type_slug():
            return cls(**values)
        known = BLOCKS.get(slug)
        if known is None or not issubclass(known, cls):
            raise ValueError(f"Expected `{cls.__name__}`, got a block of type {slug!r}")
        return known(**values)

    @classmethod
    def register_type_and_schema(cls) -> Any:
        """Make the type and this version of its fields known to the API, as `save` does by itself."""
        return dispatch(_registered, cls)

    @classmethod
    async def aregister_type_and_schema(cls) -> None:
        """`register_type_and_schema`, always awaited."""
        await _registered(SUSPENDING, cls)

    def save(self, name: str | None = None, overwrite: bool = False) -> Any:
        """Keep the block under a name; its document's id.

        A block that was loaded is kept under its own name. Raises `ValueError` if another block of the type has the
        name, unless it may be overwritten.
        """
        return dispatch(_save, self, name, overwrite)

    async def asave(self, name: str | None = None, overwrite: bool = False) -> UUID:
        """`save`, always awaited."""
        return await _save(SUSPENDING, self, name, overwrite)

    @classmethod
    def load(cls, name: str) -> Any:
        """The block of that name; `Block.load("type-slug/name")` is of the class that has the slug.

        Raises `ValueError` if there is none, or the class has not been imported.
        """
        return dispatch(_load, cls, name)

    @classmethod
    async def aload(cls, name: str) -> Self:
        """`load`, always awaited."""
        return cast("Self", await _load(SUSPENDING, cls, name))

    @classmethod
    def load_from_ref(cls, ref: UUID | str | dict[str, Any]) -> Any:
        """The block with a document's id, or with the reference that other documents hold."""
        return dispatch(_load_by_id, cls, _id_of(ref))

    @classmethod
    async def aload_from_ref(cls, ref: UUID | str | dict[str, Any]) -> Self:
        """`load_from_ref`, always awaited."""
        return cast("Self", await _load_by_id(SUSPENDING, cls, _id_of(ref)))

    @classmethod
    def delete(cls, name: str) -> Any:
        """Remove the block of that name. Raises `ValueError` if there is none."""
        return dispatch(_delete, cls, name)

    @classmethod
    async def adelete(cls, name: str) -> None:
        """`delete`, always awaited."""
        await _delete(SUSPENDING, cls, name)


async def _registered(driver: Driver, cls: type[Block]) -> BlockSchema:
    """The schema of the class as the API has it, made if it is new; first those of the blocks it holds."""
    if cls is Block:
        raise ValueError("Block itself has no fields to register: call this on a class of your own.")
    for inner in block_schemas.blocks_in(cls):
        if inner is not cls:
            await _registered(driver, inner)
    type_ = await _registered_type(driver, cls)
    version = cls._block_schema_version  # pyright: ignore[reportPrivateUsage] # the class is of this module's kind
    try:
        return await driver.call(api().read_block_schema_by_checksum, cls.get_checksum(), version)
    except ObjectNotFound:
        body = BlockSchemaCreate(
            fields=cls.json_schema(), block_type_id=type_.id, capabilities=cls.get_block_capabilities()
        )
        if version is not None:
            body.version = version
        return await driver.call(api().create_block_schema, body)


async def _registered_type(driver: Driver, cls: type[Block]) -> BlockType:
    said: dict[str, str | None] = {
        "logo_url": cls._logo_url,  # pyright: ignore[reportPrivateUsage]
        "documentation_url": cls._documentation_url,  # pyright: ignore[reportPrivateUsage]
        "description": cls.get_description(),
        "code_example": cls._code_example,  # pyright: ignore[reportPrivateUsage]
    }
    slug = cls.get_block_type_slug()
    try:
        known = await driver.call(api().read_block_type_by_slug, slug)
    except ObjectNotFound:
        return await driver.call(
            api().create_block_type, BlockTypeCreate(name=cls.get_block_type_name(), slug=slug, **said)
        )
    changes = {name: text for name, text in said.items() if text is not None and text != getattr(known, name)}
    if changes and not known.is_protected:
        await driver.call(api().update_block_type, known.id, BlockTypeUpdate(**changes))
    return known


async def _save(driver: Driver, block: Block, name: str | None, overwrite: bool) -> UUID:
    cls = type(block)
    own = block._block_document_name  # pyright: ignore[reportPrivateUsage]
    if name is None and own is None:
        raise ValueError(f"This {cls.__name__} has not been saved before: give it a name, such as save('default').")
    schema = await _registered(driver, cls)
    assert schema.block_type_id is not None
    wanted = name or cast("str", own)
    data = plain_values_of(block, _revealed)
    try:
        body = BlockDocumentCreate(
            name=wanted, data=data, block_schema_id=schema.id, block_type_id=schema.block_type_id
        )
        document_id = (await driver.call(api().create_block_document, body, False)).id
    except ObjectAlreadyExists:
        if not overwrite and name is not None:
            raise ValueError(
                f"There is a block {cls.get_block_type_slug()}/{wanted} already: pass overwrite=True to replace it."
            ) from None
        found = await driver.call(api().read_block_document_by_name, wanted, cls.get_block_type_slug(), False)
        document_id = found.id
        await driver.call(
            api().update_block_document, found.id, BlockDocumentUpdate(block_schema_id=schema.id, data=data)
        )
    block._block_document_id, block._block_document_name = document_id, wanted  # pyright: ignore[reportPrivateUsage]
    block._is_anonymous = False  # pyright: ignore[reportPrivateUsage]
    return document_id


async def _load(driver: Driver, cls: type[Block], name: str) -> Block:
    slug, name = _slug_and_name(cls, name)
    try:
        document = await driver.call(api().read_block_document_by_name, name, slug, True)
    except ObjectNotFound:
        raise ValueError(f"There is no block {slug}/{name}: save one under that name first.") from None
    return _of_document(cls, document)


async def _load_by_id(driver: Driver, cls: type[Block], document_id: UUID) -> Block:
    try:
        document = await driver.call(api().read_block_document, document_id, True)
    except ObjectNotFound:
        raise ValueError(f"There is no block document {document_id}.") from None
    return _of_document(cls, document)


async def _delete(driver: Driver, cls: type[Block], name: str) -> None:
    slug, name = _slug_and_name(cls, name)
    try:
        found = await driver.call(api().read_block_document_by_name, name, slug, False)
    except ObjectNotFound:
        raise ValueError(f"There is no block {slug}/{name}.") from None
    await driver.call(api().delete_block_document, found.id)


def _slug_and_name(cls: type[Block], name: str) -> tuple[str, str]:
    slug, slash, rest = name.partition("/")
    if slash:
        return slug, rest
    if cls is Block:
        raise ValueError(f"Block.load needs a type: write Block.load('type-slug/{name}').")
    return cls.get_block_type_slug(), name


def _of_document(cls: type[Block], document: BlockDocument) -> Block:
    slug = document.block_type.slug if document.block_type is not None else cls.get_block_type_slug()
    return _of_parts(cls, slug, document.data, document.block_document_references, (document.id, document.name, False))


def _of_parts(
    cls: type[Block], slug: str, data: dict[str, Any], references: dict[str, Any], origin: tuple[UUID, Any, bool]
) -> Block:
    """A block of values that were read; a value that another document holds becomes a block with that one's name."""
    found = cls if cls is not Block and slug == cls.get_block_type_slug() else BLOCKS.get(slug)
    if found is None or not issubclass(found, cls):
        raise ValueError(f"The block is of type {slug!r}, and no {cls.__name__} class of that type has been imported.")
    values = {name: value for name, value in data.items() if name in fields_of(found)}
    for name, reference in references.items():
        inner = reference["block_document"]
        place = (UUID(inner["id"]), inner.get("name"), bool(inner.get("is_anonymous")))
        inner_slug = inner["block_type"]["slug"]
        values[name] = _of_parts(Block, inner_slug, data[name], inner.get("block_document_references") or {}, place)
    block = found(**values)
    block._block_document_id, block._block_document_name, block._is_anonymous = origin  # pyright: ignore[reportPrivateUsage]
    return block


def _revealed(value: Any) -> Any:
    """A value as it is kept: secrets in full, a block that was saved by reference, others by their values."""
    match value:
        case Block() if (known := value._block_document_id) is not None:  # pyright: ignore[reportPrivateUsage]
            return {"$ref": {"block_document_id": str(known)}}
        case Block():
            return plain_values_of(value, _revealed) | {"block_type_slug": value.get_block_type_slug()}
        case Fielded():
            return plain_values_of(value, _revealed)
        case Secret():
            return value.get_secret_value()  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        case _:
            return NotImplemented


def _id_of(ref: UUID | str | dict[str, Any]) -> UUID:
    if isinstance(ref, dict):
        ref = cast("UUID | str", ref["block_document_id"])
    return ref if isinstance(ref, UUID) else UUID(ref)
