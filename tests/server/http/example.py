"""A noun made for the tests, and a database that answers one question."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, cast
from uuid import UUID

import msgspec

from headrace.server.app import Server
from headrace.server.context import Context
from headrace.server.http.routes import ROUTERS
from headrace.server.http.routing import Key, Reply, Router
from headrace.server.store.base import Dialect, Space, Store
from headrace.settings import Settings
from headrace.wire.base import Body, Parts, Wire
from headrace.wire.errors import Conflict, ObjectNotFound, ServiceUnavailable, StoreError

router = Router(prefix="/mills", tag="Mills")


class Kind(Enum):
    WATER = "WATER"
    WIND = "WIND"


class Wheel(Body, kw_only=True):
    spokes: Annotated[int, msgspec.Meta(ge=3)] = 8


class MillCreate(Body, kw_only=True):
    name: Annotated[str, msgspec.Meta(min_length=1, pattern=r"^[^/]+$")]
    kind: Kind = Kind.WATER
    built: datetime | None = None
    height: float = 0.0
    owner: UUID | None = None
    running: bool = False
    tags: list[str] = []
    wheels: list[Wheel] = []
    ledger: dict[str, Any] = {}


class Mill(Wire, kw_only=True):
    id: UUID
    name: str
    built: datetime | None = None


class MillFilter(Body, kw_only=True):
    limit: int = 200


class MillSearch(Parts, kw_only=True):
    kind: Kind = Kind.WATER
    limit: int = 200


_SEARCH = MillSearch()


@router.post("/search")
async def search_mills(ctx: Context, body: MillSearch = _SEARCH) -> MillSearch:
    return body


@router.post("/", status=201, also=(200,))
async def create_mill(ctx: Context, body: MillCreate) -> Reply[Mill]:
    return Reply(Mill(id=UUID(int=7), name=body.name, built=body.built), status=200 if body.name == "old" else None)


@router.post("/filter")
async def read_mills(ctx: Context, body: MillFilter = MillFilter()) -> int:  # noqa: B008 - structs that nobody changes
    return body.limit


@router.get("/name/{name}")
async def read_mill_by_name(ctx: Context, name: str) -> str:
    return name


@router.get("/files/{key:path}")
async def read_file(ctx: Context, key: str) -> str:
    return key


@router.get("/{id}")
async def read_mill(
    ctx: Context, id: UUID, since: datetime | None = None, limit: int = 200, tag: list[str] | None = None
) -> list[Any]:
    return [id, since, limit, tag]


@router.get("/{id}/near")
async def read_neighbours(
    ctx: Context, id: UUID, distance: float, at_most: Annotated[int, Key("at-most")] = 10
) -> list[float]:
    return [distance, at_most]


@router.patch("/{id}")
async def update_mill(ctx: Context, id: UUID) -> None:
    return None


@router.get("/about-me")
async def read_client(ctx: Context) -> dict[str, Any]:
    return {"api": ctx.api_version, "client": ctx.client_version, "url": ctx.base_url, "zone": str(ctx.received.tzinfo)}


@router.get("/broken")
async def break_down(ctx: Context) -> None:
    raise RuntimeError("the wheel is stuck")


@router.get("/unusable")
async def lose_database(ctx: Context) -> None:
    raise StoreError("/secret/place is not a database")


@router.get("/busy")
async def be_busy(ctx: Context) -> None:
    raise ServiceUnavailable("The database is busy.")


@router.get("/taken")
async def be_taken(ctx: Context) -> None:
    raise Conflict("Data integrity conflict.")


@router.get("/missing")
async def be_missing(ctx: Context) -> None:
    raise ObjectNotFound("Mill not found")


@router.get("/large")
async def read_much(ctx: Context, size: int) -> str:
    return "m" * size


@router.get("/flour")
async def read_flour(ctx: Context) -> Reply[bytes]:
    return Reply(_grind(), media_type="text/csv", headers={"Content-Disposition": "attachment"})


async def _grind() -> AsyncIterator[bytes]:
    for number in range(3):
        yield b"%d\n" % number


@router.get("/text")
async def read_text(ctx: Context) -> Reply[str]:
    return Reply("plain", status=202, media_type="text/plain", headers={"X-Mill": "1"})


@router.get("/gate")
async def wait_at_gate(ctx: Context) -> str:
    """Answer once the gate is open."""
    gate.waiting += 1
    await gate.opened.wait()
    return "through"


@router.get("/waiting")
async def count_waiting(ctx: Context) -> int:
    return gate.waiting


@router.post("/gate")
async def open_gate_after(ctx: Context, seconds: float) -> None:
    asyncio.get_running_loop().call_later(seconds, gate.opened.set)


class Gate:
    """Holds requests back until somebody opens it."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.waiting = 0


gate = Gate()


class OneAnswer:
    """A database that is there and holds nothing, or is not there: `problem` is raised instead of an answer."""

    dialect = Dialect.SQLITE

    def __init__(self, problem: Exception | None = None) -> None:
        self.problem = problem

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def fetch_one(self, *_: Any) -> tuple[None]:
        if self.problem is not None:
            raise self.problem
        return (None,)

    async def fetch(self, *_: Any) -> list[Any]:
        raise self.problem or ServiceUnavailable("This database answers one question.")

    async def space(self) -> Space:
        return Space(0, 0)


def example_server(settings: Settings, problem: Exception | None = None) -> Server:
    return Server(settings, cast("Store", OneAnswer(problem)), [*ROUTERS, router])
