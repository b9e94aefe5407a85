"""Values go in and come out the same on both databases, and rows become structs."""

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.server.store.base import Dialect, Statement, Store
from headrace.server.store.rows import ENUM, JSON, Kind, Reader
from headrace.wire.base import encode_text
from headrace.wire.errors import Unprocessable
from headrace.wire.ids import uuid7
from headrace.wire.states import StateDetails, StateType
from headrace.wire.times import now, to_micros
from tests.server.store.rows_of import ADD_FLOW, ADD_RUN, add_flow, names


class Kept(msgspec.Struct, kw_only=True):
    """One column of each kind."""

    id: UUID
    start_time: datetime | None
    name: str
    run_count: int
    total_run_time: float
    auto_scheduled: bool
    parameters: dict[str, Any]
    tags: list[str]
    created_by: StateDetails | None
    state_type: StateType | None
    state_id: UUID | None


KEPT = Reader(
    Kept,
    {
        "id": Kind.UUID,
        "start_time": Kind.TIME,
        "name": Kind.TEXT,
        "run_count": Kind.INTEGER,
        "total_run_time": Kind.FLOAT,
        "auto_scheduled": Kind.BOOLEAN,
        "parameters": JSON(dict[str, Any]),
        "tags": JSON(list[str]),
        "created_by": JSON(StateDetails),
        "state_type": ENUM(StateType),
        "state_id": Kind.UUID,
    },
)
WRITE = Statement(
    f"INSERT INTO flow_runs ({KEPT.columns()}, flow_id, created, updated)"
    f" VALUES ({', '.join(f'${number}' for number in range(1, 14))}, $13)"
)
READ = Statement(f"SELECT {KEPT.columns('r')} FROM flow_runs r WHERE r.flow_id = $1 ORDER BY r.id")


def values_of(run: Kept) -> list[Any]:
    fields = msgspec.structs.asdict(run)
    for name in ("parameters", "tags", "created_by"):
        fields[name] = None if fields[name] is None else encode_text(fields[name])
    return list(fields.values())


async def test_every_kind_of_value_comes_back_as_it_went_in(store: Store) -> None:
    flow_id = await add_flow(store, "flow")
    full = Kept(
        id=uuid7(),
        start_time=datetime(2026, 8, 1, 12, 0, 0, 123457, tzinfo=UTC),
        name="brisk-otter’s ☃ \N{GRINNING FACE}",
        run_count=7,
        total_run_time=0.1 + 0.2,
        auto_scheduled=True,
        parameters={"x": [1, 2.5, None, {"deep": "ü"}], "big": 2**53, "quote": "'\"\\"},
        tags=["a", "b"],
        created_by=StateDetails(flow_run_id=uuid4()),
        state_type=StateType.RUNNING,
        state_id=uuid4(),
    )
    empty = Kept(
        id=uuid7(),
        start_time=None,
        name="",
        run_count=0,
        total_run_time=3,
        auto_scheduled=False,
        parameters={},
        tags=[],
        created_by=None,
        state_type=None,
        state_id=None,
    )
    await store.execute_many(WRITE, [[*values_of(run), flow_id, now()] for run in (full, empty)])
    rows = await store.fetch(READ, flow_id)
    read = KEPT.all(rows, store.dialect)
    assert read == [full, empty]
    assert KEPT.one(rows[0], store.dialect) == full
    assert KEPT.all([], store.dialect) == []
    assert msgspec.json.decode(msgspec.json.encode(read[0]), type=Kept) == full
    assert isinstance(read[0].auto_scheduled, bool)
    assert isinstance(read[0].state_type, StateType)


@given(
    st.lists(
        st.datetimes(datetime(1900, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC)) | st.none(),
        min_size=1,
    )
)
def test_times_are_exact_to_the_microsecond_in_sqlite(times: list[datetime | None]) -> None:
    reader = Reader(lambda moment: moment, {"moment": Kind.TIME})
    kept = [(None if moment is None else to_micros(moment),) for moment in times]
    assert reader.all(kept, Dialect.SQLITE) == times


async def test_times_of_other_zones_are_the_same_instant(store: Store) -> None:
    flow_id, moment = uuid7(), datetime(2026, 8, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    await store.execute(ADD_FLOW, flow_id, moment, "flow")
    row = await store.fetch_one(Statement("SELECT created FROM flows WHERE created = $1"), moment)
    assert row is not None
    created = Reader(lambda created: created, {"created": Kind.TIME}).one(row, store.dialect)
    assert created == datetime(2026, 8, 1, 12, tzinfo=UTC)
    assert created.tzinfo is UTC


async def test_a_list_is_one_value(store: Store) -> None:
    ids = [await add_flow(store, name) for name in "abc"]
    by_id = Statement(
        "SELECT name FROM flows WHERE id = ANY($1::uuid[]) ORDER BY name",
        sqlite="SELECT name FROM flows WHERE id IN (SELECT value FROM json_each($1)) ORDER BY name",
    )
    assert [row[0] for row in await store.fetch(by_id, ids[1:])] == ["b", "c"]
    assert [row[0] for row in await store.fetch(by_id, frozenset(ids[:1]))] == ["a"]
    assert await store.fetch(by_id, []) == []


async def test_placeholders_may_repeat_and_come_in_any_order(store: Store) -> None:
    add = Statement("INSERT INTO flows (name, id, created, updated) VALUES ($3, $2, $1, $1)")
    await store.execute(add, now(), uuid7(), "one")
    await store.execute_many(add, [(now(), uuid7(), "two"), (now(), uuid7(), "three")])
    assert await names(store) == ["one", "three", "two"]


async def test_members_of_enums_are_kept_as_text(store: Store) -> None:
    class Colour(StrEnum):
        RED = "red"

    await store.execute(ADD_FLOW, uuid7(), now(), Colour.RED)
    assert await names(store) == ["red"]


async def test_counts_of_changed_rows_and_returned_rows(store: Store) -> None:
    flow_id = await add_flow(store, "a")
    await add_flow(store, "b")
    assert await store.execute(Statement("UPDATE flows SET updated = $1"), now()) == 2
    rows = await store.fetch(Statement("UPDATE flows SET name = $2 WHERE id = $1 RETURNING name"), flow_id, "c")
    assert [tuple(row) for row in rows] == [("c",)]
    assert await names(store) == ["b", "c"]
    assert await store.execute(Statement("DELETE FROM flows WHERE name = $1"), "nobody") == 0


async def test_deleting_a_flow_takes_its_runs_along(store: Store) -> None:
    flow_id = await add_flow(store, "flow")
    await store.execute(ADD_RUN, uuid7(), now(), "run", flow_id)
    await store.execute(Statement("DELETE FROM flows WHERE id = $1"), flow_id)
    assert await store.fetch(Statement("SELECT id FROM flow_runs")) == []


@pytest.mark.parametrize("database_settings", [Dialect.POSTGRES], indirect=True, ids=str)
async def test_text_that_postgresql_cannot_keep_is_refused_as_the_senders_mistake(store: Store) -> None:
    with pytest.raises(Unprocessable, match="NUL character"):
        await add_flow(store, "a\0b")
    set_tags = Statement("UPDATE flows SET tags = $1::jsonb")
    with pytest.raises(Unprocessable, match="NUL character"):
        await store.execute(set_tags, '["a\\u0000b"]')


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("SELECT 1", True),
        ("  with x as (select 1) select * from x", True),
        ("WITH x AS (DELETE FROM flows RETURNING id) SELECT * FROM x", False),
        ("INSERT INTO flows VALUES ($1) RETURNING id", False),
        ("UPDATE flows SET name = $1", False),
        ("SELECT * FROM flow_runs WHERE updated > $1", True),
    ],
)
def test_a_statement_knows_whether_it_only_reads(text: str, reads: bool) -> None:
    assert Statement(text).reads is reads
