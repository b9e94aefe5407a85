"""What an operation would do, counted before it begins, and whether that still holds when it does."""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from headrace.server.filters import Query
from headrace.server.operations import along, selection, service
from headrace.server.operations.selection import Selection
from headrace.server.store.base import Store
from headrace.server.store.rows import Kind, Reader
from headrace.wire.base import encode
from headrace.wire.errors import Conflict, HeadraceError
from headrace.wire.operations import (
    OperationCreate,
    OperationKind,
    OperationNoun,
    OperationPreview,
    Preview,
    Sample,
)
from headrace.wire.states import TERMINAL_STATES

_COUNTING_SECONDS = 1.0
"""For so long each count of what goes along is waited for."""
_SAMPLES = 10
_RUNS = (OperationNoun.FLOW_RUNS, OperationNoun.TASK_RUNS)
_NAMES = {OperationNoun.ARTIFACTS: "key"}
_PER_SECOND = {
    OperationKind.DELETE: 50_000,
    OperationKind.RESTORE: 50_000,
    OperationKind.PURGE: 5_000,
    OperationKind.CANCEL: 300,
    OperationKind.RETRY: 300,
    OperationKind.SET_STATE: 300,
}
"""Items that are dealt with in a second, roughly, on a small machine."""


class _Token(msgspec.Struct, frozen=True, array_like=True):
    """What a preview has seen: of which request, how many items, and the newest of them."""

    request: str
    total: int
    newest: UUID | None


def _sample(*, id: UUID, name: str | None, state_name: str | None) -> Sample:
    return Sample(id=id, name=name, state_name=state_name)


_SAMPLE = Reader(_sample, {"id": Kind.UUID, "name": Kind.TEXT, "state_name": Kind.TEXT})
_NEWEST_SAMPLES = {
    (noun, in_trash): Query(
        noun,
        f"{noun}.id, {noun}.{_NAMES.get(noun, 'name')}, {f'{noun}.state_name' if noun in _RUNS else 'NULL'}",
        f"{{matching}} ORDER BY {noun}.id DESC LIMIT {_SAMPLES}",
        in_trash=in_trash,
    )
    for noun in OperationNoun
    for in_trash in (False, True)
}
_BY_STATE = {
    (noun, in_trash): Query(
        noun,
        f"{noun}.state_type",
        "SELECT state_type, count(*) FROM ({matching}) AS matching GROUP BY state_type",
        in_trash=in_trash,
        walks=True,
    )
    for noun in _RUNS
    for in_trash in (False, True)
}


async def preview(store: Store, asked: OperationPreview | OperationCreate) -> Preview:
    """What the operation would apply to now, with a token for it. Raises `InvalidRequest` for unrelated filters."""
    if asked.target.operation_id is not None:
        return await _of_operation(store, asked, asked.target.operation_id)
    selected = Selection.of(asked.kind, asked.noun, asked.target)
    by_state = await _count_by_state(store, selected) if asked.noun in _RUNS else {}
    total = sum(by_state.values()) if asked.noun in _RUNS else await _count(store, selected)
    samples = await _samples(store, selected)
    newest = samples[0].id if samples else None
    return Preview(
        token=_text(_Token(_request(asked), total, newest)),
        total=total,
        by_state=by_state,
        active=sum(count for state, count in by_state.items() if state not in TERMINAL_STATES),
        rows=await _count_along(store, asked, selected) if asked.kind is OperationKind.DELETE else {},
        samples=samples,
        reversible=asked.kind in (OperationKind.DELETE, OperationKind.RESTORE),
        estimated_seconds=round(total / _PER_SECOND[asked.kind], 1),
    )


async def hold_to(store: Store, body: OperationCreate) -> None:
    """Raise `Conflict`, which says what has changed, unless what was previewed is what matches now."""
    assert body.token is not None
    token = _read(body.token)
    if token is None or token.request != _request(body):
        raise Conflict("The token is not that of a preview of this operation: preview it as it is now.")
    total, newest = await _now(store, body)
    if total != token.total:
        raise Conflict(f"{total:,} {body.noun} match now, and not {token.total:,} as in the preview: preview it again.")
    if newest != token.newest:
        raise Conflict(
            f"{total:,} {body.noun} match as in the preview, but others: the newest is {newest}. Preview it again."
        )


async def _of_operation(store: Store, asked: OperationPreview | OperationCreate, id: UUID) -> Preview:
    """What an operation has deleted. Raises `ObjectNotFound`."""
    record = await service.load(store, id)
    return Preview(
        token=_text(_Token(_request(asked), record.changed, id)),
        total=record.changed,
        by_state={},
        rows=dict(record.counts),
        reversible=asked.kind is OperationKind.RESTORE,
        estimated_seconds=round(record.changed / _PER_SECOND[asked.kind], 1),
    )


async def _now(store: Store, body: OperationCreate) -> tuple[int, UUID | None]:
    """How many items the operation would have now, and the newest."""
    if body.target.operation_id is not None:
        return (await service.load(store, body.target.operation_id)).changed, body.target.operation_id
    selected = Selection.of(body.kind, body.noun, body.target)
    samples = await _samples(store, selected)
    return await _count(store, selected), samples[0].id if samples else None


async def _count(store: Store, selected: Selection) -> int:
    statement, values = selected.bind(selection.COUNTS, store.dialect)
    return (await store.scan(statement, *values))[0][0]


async def _count_by_state(store: Store, selected: Selection) -> dict[str, int]:
    statement, values = selected.bind(_BY_STATE, store.dialect)
    return {state or "": count for state, count in await store.scan(statement, *values)}


async def _samples(store: Store, selected: Selection) -> list[Sample]:
    statement, values = selected.bind(_NEWEST_SAMPLES, store.dialect)
    return _SAMPLE.all(await store.scan(statement, *values), store.dialect)


async def _count_along(
    store: Store, asked: OperationPreview | OperationCreate, selected: Selection
) -> dict[str, int | None]:
    counted = along.counts(asked.noun, children=asked.options.children)
    found = await asyncio.gather(*(_count_in_time(store, query, selected) for query in counted.values()))
    return dict(zip(counted, found, strict=True))


async def _count_in_time(store: Store, query: Query, selected: Selection) -> int | None:
    statement, values = selected.bind_one(query, store.dialect)
    try:
        async with asyncio.timeout(_COUNTING_SECONDS):
            return (await store.scan(statement, *values))[0][0]
    except (TimeoutError, HeadraceError):
        return None


def _request(asked: OperationPreview | OperationCreate) -> str:
    told: Mapping[str, Any] = {"kind": asked.kind, "noun": asked.noun, "target": asked.target, "options": asked.options}
    return sha256(encode(told)).hexdigest()[:32]


def _text(token: _Token) -> str:
    return urlsafe_b64encode(encode(token)).decode().rstrip("=")


def _read(text: str) -> _Token | None:
    try:
        return msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Token)
    except (ValueError, msgspec.DecodeError):
        return None
