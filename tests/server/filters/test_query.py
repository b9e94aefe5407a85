"""Composed statements: one for each shape of filter, with the values in their places."""

from uuid import UUID, uuid4

from headrace.server.filters import Query
from headrace.server.store.base import Dialect
from headrace.wire import filters as f
from headrace.wire.states import StateType


def a_query() -> Query:
    return Query(
        "flow_runs",
        "flow_runs.id",
        "{matching} ORDER BY {order} LIMIT {limit}",
        orders={"ID_DESC": "flow_runs.id DESC"},
        extras=("limit",),
    )


def by_ids(*ids: UUID) -> dict[str, f.Filter]:
    return {"flow_runs": f.FlowRunFilter(id=f.FlowRunFilterId(any_=list(ids)))}


def test_filters_that_differ_in_values_only_share_one_statement() -> None:
    query = a_query()
    first, _ = query.bind(Dialect.POSTGRES, by_ids(uuid4(), uuid4()), "ID_DESC", limit=1)
    again, _ = query.bind(Dialect.POSTGRES, by_ids(uuid4(), uuid4(), uuid4()), "ID_DESC", limit=2)
    assert first is again


def test_an_empty_list_a_single_value_and_several_are_different_statements() -> None:
    query = a_query()
    found = {query.bind(Dialect.SQLITE, by_ids(*ids), "ID_DESC", limit=1)[0] for ids in ([], [uuid4()], [uuid4()] * 2)}
    assert len(found) == 3


def test_values_come_in_the_order_of_the_placeholders_with_the_extras_last() -> None:
    one, many = uuid4(), [uuid4(), uuid4()]
    asked: dict[str, f.Filter] = {
        "flow_runs": f.FlowRunFilter(
            id=f.FlowRunFilterId(any_=[one]),
            state=f.FlowRunFilterState(type=f.FlowRunFilterStateType(any_=[StateType.FAILED])),
            name=f.FlowRunFilterName(like_="x"),
        ),
        "task_runs": f.TaskRunFilter(id=f.TaskRunFilterId(any_=many)),
    }
    statement, values = a_query().bind(Dialect.POSTGRES, asked, "ID_DESC", limit=7)
    assert [f"${place}" in statement.postgres for place in range(1, len(values) + 1)] == [True] * len(values)
    assert f"LIMIT ${len(values)}" in statement.postgres
    assert values[-1] == 7
    assert {"%x%", one} <= {value for value in values if not isinstance(value, list)}
    assert many in values


def test_what_is_kept_of_shapes_is_bounded() -> None:
    query = a_query()
    for number in range(600):
        names = [f"{'x' * (number % 30)}"]
        asked: dict[str, f.Filter] = {
            "flow_runs": f.FlowRunFilter(
                operator=f.Operator.or_ if number & 1 else f.Operator.and_,
                name=f.FlowRunFilterName(any_=names if number & 2 else None, like_="x" if number & 4 else None),
                tags=f.FlowRunFilterTags(all_=names if number & 8 else None, is_null_=bool(number & 16)),
                flow_version=f.FlowRunFilterFlowVersion(any_=names) if number & 32 else None,
                deployment_id=f.FlowRunFilterDeploymentId(is_null_=True) if number & 64 else None,
                work_queue_name=f.FlowRunFilterWorkQueueName(is_null_=True) if number & 128 else None,
                id=f.FlowRunFilterId(any_=[]) if number & 256 else None,
                created_by=f.FlowRunFilterCreatedBy(is_null_=True) if number & 512 else None,
            )
        }
        query.bind(Dialect.SQLITE, asked, "ID_DESC", limit=1)
    assert query.kept_shapes == 512
