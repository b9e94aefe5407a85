"""`/variables`."""

from uuid import UUID

from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.server.operations import inline
from headrace.server.paging import list_limit
from headrace.server.variables import queries, service
from headrace.wire.operations import OperationNoun
from headrace.wire.variables import Variable, VariableCreate, VariableFilters, VariableList, VariableUpdate

router = Router(prefix="/variables", tag="Variables")

_LIST, _ALL = VariableList(), VariableFilters()


@router.post("/", status=201)
async def create_variable(ctx: Context, body: VariableCreate) -> Variable:
    """Make a variable."""
    return await service.create(ctx.store, body, ctx.received)


@router.get("/{id}")
async def read_variable(ctx: Context, id: UUID) -> Variable:
    """One variable."""
    return await service.read(ctx.store, id)


@router.get("/name/{name}")
async def read_variable_by_name(ctx: Context, name: str) -> Variable:
    """The variable of that name."""
    return await service.read_by_name(ctx.store, name)


@router.post("/filter")
async def read_variables(ctx: Context, body: VariableList = _LIST) -> list[Variable]:
    """The variables that match."""
    limit = list_limit(ctx, body.limit)
    return await queries.LIST.list(ctx.store, body.given(), body.sort, limit, body.offset)


@router.post("/count")
async def count_variables(ctx: Context, body: VariableFilters = _ALL) -> int:
    """How many variables match."""
    return await queries.LIST.count(ctx.store, body.given())


@router.patch("/{id}")
async def update_variable(ctx: Context, id: UUID, body: VariableUpdate) -> None:
    """Change a variable's name, value or tags."""
    await service.update(ctx.store, id, body, ctx.received)


@router.patch("/name/{name}")
async def update_variable_by_name(ctx: Context, name: str, body: VariableUpdate) -> None:
    """Change the name, value or tags of the variable of that name."""
    await service.update(ctx.store, name, body, ctx.received)


@router.delete("/{id}")
async def delete_variable(ctx: Context, id: UUID) -> None:
    """Delete a variable."""
    if not await inline.delete(ctx, OperationNoun.VARIABLES, [id]):
        raise service.missing()


@router.delete("/name/{name}")
async def delete_variable_by_name(ctx: Context, name: str) -> None:
    """Delete the variable of that name."""
    found = await service.read_by_name(ctx.store, name)
    if not await inline.delete(ctx, OperationNoun.VARIABLES, [found.id]):
        raise service.missing()
