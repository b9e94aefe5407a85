"""New names for what is restored after its own has been taken."""

from uuid import UUID

from headrace.server.store.base import Connection, Statement
from headrace.wire.operations import OperationNoun

_SCOPES = {
    OperationNoun.FLOWS: (),
    OperationNoun.DEPLOYMENTS: ("flow_id",),
    OperationNoun.VARIABLES: (),
    OperationNoun.BLOCK_DOCUMENTS: ("block_type_id",),
}
"""Within what names are unique."""
_WORDS = {OperationNoun.VARIABLES: "{}_restored{}", OperationNoun.BLOCK_DOCUMENTS: "{}-restored{}"}
"""Where names have no spaces."""


def _rename(table: str, scope: tuple[str, ...]) -> Statement:
    same = "".join(f" AND other.{column} = {table}.{column}" for column in scope)
    return Statement(
        f"UPDATE {table} SET name = $2 WHERE id = $1"
        f" AND NOT EXISTS (SELECT 1 FROM {table} other WHERE other.name = $2{same} AND other.deleted_at IS NULL)"
    )


_RENAME = {noun: _rename(noun.value, scope) for noun, scope in _SCOPES.items()}
_NAME = {noun: Statement(f"SELECT name FROM {noun.value} WHERE id = $1") for noun in _SCOPES}
_FORGET_KEY = Statement("UPDATE flow_runs SET idempotency_key = NULL WHERE id = $1")


async def rename(transaction: Connection, noun: OperationNoun, id: UUID) -> bool:
    """Give a deleted object a name that nobody has; a flow run loses its idempotency key, which stands for another."""
    if noun is OperationNoun.FLOW_RUNS:
        return await transaction.execute(_FORGET_KEY, id) > 0
    row = await transaction.fetch_one(_NAME[noun], id) if noun in _NAME else None
    if row is None:
        return False
    number, pattern = 1, _WORDS.get(noun, "{} (restored{})")
    while not await transaction.execute(_RENAME[noun], id, _name(pattern, row[0], number)):
        number += 1
    return True


def _name(pattern: str, name: str, number: int) -> str:
    if number == 1:
        return pattern.format(name, "")
    return pattern.format(name, f" {number}" if " " in pattern else str(number))
