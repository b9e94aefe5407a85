"""The encryption of block documents where they are kept (docs/decisions/0005).

Each is a Fernet token: AES-128 in CBC mode, authenticated by HMAC-SHA256. The key is the setting
`server.encryption_key`, or else one that the first document makes and the database keeps. Documents that were
written with the database's key stay readable after a key was set.
"""

import base64
import os
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

import msgspec

from headrace.server.configuration import service as configuration
from headrace.server.store.base import Connection
from headrace.settings import Settings
from headrace.wire.base import encode
from headrace.wire.errors import StoreError

_KEPT_KEY = "block_encryption_key"
_KEY_BYTES = 32


class Cipher:
    """Turns documents into tokens with the first of its keys, and back with any of them."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        from cryptography.fernet import Fernet, MultiFernet

        self._tokens: MultiFernet = MultiFernet([Fernet(key) for key in keys])

    def encrypted(self, document: Mapping[str, Any]) -> str:
        """The token of a document."""
        return self._tokens.encrypt(encode(document)).decode()

    def decrypted(self, token: str) -> dict[str, Any]:
        """The document of a token; raises `StoreError` if no key fits."""
        from cryptography.fernet import InvalidToken

        try:
            text = self._tokens.decrypt(token)
        except InvalidToken as error:
            raise StoreError(
                "A block document cannot be decrypted: it was written with another key. "
                "Set HEADRACE_SERVER_ENCRYPTION_KEY to that key."
            ) from error
        return cast("dict[str, Any]", msgspec.json.decode(text))


async def reading(connection: Connection, settings: Settings) -> Cipher:
    """What reads documents; raises `StoreError` where there is no key at all."""
    keys = await _keys(connection, settings)
    if not keys:
        raise StoreError("The key of the block documents is gone. Set HEADRACE_SERVER_ENCRYPTION_KEY to it.")
    return _cipher(keys)


async def writing(transaction: Connection, settings: Settings, now: datetime) -> Cipher:
    """What reads and writes documents; makes the database's key if there is no other."""
    keys = await _keys(transaction, settings)
    if not keys:
        fresh = base64.urlsafe_b64encode(os.urandom(_KEY_BYTES)).decode()
        keys = (await configuration.offer(transaction, _KEPT_KEY, fresh, now),)
    return _cipher(keys)


async def _keys(connection: Connection, settings: Settings) -> tuple[str, ...]:
    keys = (settings.server.encryption_key, await configuration.read(connection, _KEPT_KEY))
    return tuple(key for key in keys if key is not None)


@lru_cache(maxsize=8)
def _cipher(keys: tuple[str, ...]) -> Cipher:
    return Cipher(keys)
