"""The objects that only the routes about the server itself exchange."""

from datetime import datetime
from uuid import UUID

from headrace.wire.base import Body, Wire


class Ready(Wire, kw_only=True, omit_defaults=True):
    """The server answers; `warnings`, where there are any, are what whoever runs it should look at."""

    message: str
    warnings: list[str] = []


class ResultStorage(Wire, kw_only=True):
    """The block where results go that name no storage of their own."""

    default_result_storage_block_id: UUID | None


class ResultStorageUpdate(Body, kw_only=True):
    default_result_storage_block_id: UUID


class CsrfToken(Wire, kw_only=True):
    id: UUID
    created: datetime
    updated: datetime
    token: str
    client: str
    expiration: datetime


class UISettings(Wire, kw_only=True):
    """What a web UI needs to know before its first call."""

    api_url: str
    csrf_enabled: bool
    auth: str | None
    flags: list[str]
    default_ui: str
    available_uis: list[str]
    v1_base_url: str
    v2_base_url: str
