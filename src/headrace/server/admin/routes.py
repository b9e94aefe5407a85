"""Routes about the server itself (contract §1)."""

from typing import Any

from headrace.server.admin import service, storage
from headrace.server.admin.wire import CsrfToken, Ready, ResultStorage, ResultStorageUpdate, UISettings
from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.wire import versions
from headrace.wire.errors import ServiceUnavailable, StoreError, Unprocessable
from headrace.wire.ids import uuid7

root = Router(tag="Root")
admin = Router(prefix="/admin", tag="Admin")
own = Router(prefix="/x", tag="Headrace")
pages = Router(tag="Root")
"""What is served beside the API, not below its base path."""

routers = (root, admin, own)


@root.get("/health")
async def health(ctx: Context) -> bool:
    """Whether the process answers; it asks nothing of the database."""
    return True


@root.get("/ready")
async def ready(ctx: Context) -> Ready:
    """Whether the database answers, and what whoever runs the server should look at; 503 when it does not."""
    from headrace.server.purge import backlog

    try:
        await service.check_database(ctx.store)
        return Ready(message="OK", warnings=await backlog.warnings(ctx.store, ctx.settings, ctx.received))
    except StoreError as error:
        raise ServiceUnavailable(str(error)) from error


@root.get("/hello")
async def hello(ctx: Context) -> str:
    """Say hello."""
    return "👋"


@root.get("/version")
async def api_version(ctx: Context) -> str:
    """The version of the REST contract."""
    return versions.API


@root.get("/csrf-token")
async def create_csrf_token(ctx: Context, client: str) -> CsrfToken:
    """A token that this client must show with every change, when the protection is on."""
    if not ctx.settings.server.api.csrf_protection_enabled:
        raise Unprocessable("CSRF protection is disabled.")
    from headrace.server.http import csrf

    token, expiration = csrf.issue(ctx.settings, client, ctx.received)
    return CsrfToken(
        id=uuid7(), created=ctx.received, updated=ctx.received, token=token, client=client, expiration=expiration
    )


@admin.get("/version")
async def contract_version(ctx: Context) -> str:
    """The Prefect release whose contract this server speaks; clients compare it with their own version."""
    return versions.CONTRACT


@admin.get("/settings")
async def read_settings(ctx: Context) -> dict[str, Any]:
    """The server's settings, with secrets masked."""
    return service.shown_settings(ctx.settings)


@admin.get("/storage")
async def read_storage(ctx: Context) -> ResultStorage:
    """The block document where results go that name no storage of their own."""
    return ResultStorage(default_result_storage_block_id=await storage.read(ctx.store))


@admin.put("/storage")
async def update_storage(ctx: Context, body: ResultStorageUpdate) -> ResultStorage:
    """Choose a block document as the default storage of results."""
    await storage.choose(ctx.store, ctx.settings, body.default_result_storage_block_id, ctx.received)
    return ResultStorage(default_result_storage_block_id=body.default_result_storage_block_id)


@admin.delete("/storage")
async def clear_storage(ctx: Context) -> None:
    """Have no default storage of results."""
    await storage.clear(ctx.store)


@own.get("/version")
async def own_version(ctx: Context) -> str:
    """The version of headrace itself."""
    return service.own_version()


@pages.get("/ui-settings")
async def ui_settings(ctx: Context) -> UISettings:
    """What a web UI needs to know before its first call."""
    api = ctx.settings.server.api
    return UISettings(
        api_url=ctx.base_url,
        csrf_enabled=api.csrf_protection_enabled,
        auth=None if api.auth_string is None else "BASIC",
        flags=[],
        default_ui="v2",
        available_uis=["v2"],
        v1_base_url="/",
        v2_base_url="/",
    )
