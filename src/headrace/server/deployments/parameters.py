"""The parameters of deployments and their runs: placeholders resolved, and checked against the schema."""

from collections.abc import Mapping
from typing import Any

from headrace.rules.hydration import HydrationError, hydrate, variable_names
from headrace.rules.json_schema import CircularSchema, failure
from headrace.server.store.base import Connection
from headrace.server.variables import service as variables
from headrace.wire.errors import Conflict, Unprocessable

Parameters = dict[str, Any]
Schema = Mapping[str, Any]

__all__ = ["HydrationError", "check", "hydrated"]


async def hydrated(connection: Connection, parameters: Parameters) -> Parameters:
    """The parameters with what their placeholders stand for. Raises `HydrationError`."""
    names = variable_names(parameters)
    found = await variables.values(connection, names) if names else {}
    return hydrate(parameters, found)


def check(parameters: Parameters, schema: Schema | None, doing: str, *, ignore_required: bool = False) -> None:
    """Raise `Conflict` if the parameters do not fit the schema; `doing` begins the message.

    Raises `Unprocessable` for a schema that refers to itself without end.
    """
    if not schema:
        return
    if ignore_required:
        schema = {key: value for key, value in schema.items() if key != "required"}
    try:
        reason = failure(parameters, schema)
    except CircularSchema:
        raise Unprocessable("Invalid schema: Unable to validate schema with circular references.") from None
    except ValueError as error:
        reason = f"Validation failed. Failure reason: {error}"
    if reason is not None:
        raise Conflict(f"{doing}: {reason}")
