"""CSRF tokens that the server signs instead of storing (contract §1).

A token is its time of expiry and a signature over that time and the client it was given to. The key comes
from the auth string, so that servers that share one honour each other's tokens; without an auth string it
lasts as long as the process, and a client that shows a token of another process is told to fetch a new one.
"""

import base64
import hmac
import os
from datetime import datetime, timedelta

from headrace.settings import Settings

LIFETIME = timedelta(hours=1)
_process_key = os.urandom(32)


def issue(settings: Settings, client: str, at: datetime) -> tuple[str, datetime]:
    """A token for a client, and when it expires."""
    expiration = (at + LIFETIME).replace(microsecond=0)
    seconds = int(expiration.timestamp()).to_bytes(8)
    signature = _sign(settings, seconds, client)
    return base64.urlsafe_b64encode(seconds + signature).decode().rstrip("="), expiration


def valid(settings: Settings, token: str, client: str, at: datetime) -> bool:
    """Whether the token was issued to this client and has not expired."""
    try:
        packed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return False
    seconds, signature = packed[:8], packed[8:]
    genuine = hmac.compare_digest(signature, _sign(settings, seconds, client))
    return genuine and int.from_bytes(seconds) > at.timestamp()


def _sign(settings: Settings, seconds: bytes, client: str) -> bytes:
    secret = settings.server.api.auth_string
    key = _process_key if secret is None else b"headrace csrf " + secret.encode()
    return hmac.digest(key, seconds + client.encode(), "sha256")
