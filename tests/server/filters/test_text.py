"""Text searches: their grammar, and that both databases search as the grammar says."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.rules.text_search import Terms, parse_terms
from headrace.server.logs import service as logs
from headrace.server.store.base import Store
from headrace.wire.filters import LogFilter, LogFilterTextSearch
from headrace.wire.sorts import LogSort
from tests.server.filters.world import WORDS, fill, make_world

WORLD = make_world(logs=80)


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("", Terms()),
        ("  \t ", Terms()),
        ("lost", Terms(wanted=("lost",))),
        ("Lost FOUND", Terms(wanted=("lost", "found"))),
        ("lost -found !gone +here", Terms(wanted=("lost",), required=("here",), excluded=("found", "gone"))),
        ('"lost and found" x', Terms(wanted=("lost and found", "x"))),
        ('-"lost and found"', Terms(excluded=("lost and found",))),
        (r'"say \"hi\" \\ \n"', Terms(wanted=('say "hi" \\ \\n',))),
        ('"-lost"', Terms(wanted=("-lost",))),
        ("--lost", Terms(excluded=("-lost",))),
        ('- + ! "" +""', Terms()),
        ('"not closed', Terms(wanted=("not closed",))),
        ('key="a b"', Terms(wanted=("key=a b",))),
        ("a-b", Terms(wanted=("a-b",))),
    ],
)
def test_a_search_is_taken_apart_by_its_signs_and_quotes(query: str, terms: Terms) -> None:
    assert parse_terms(query) == terms


@given(st.text(max_size=200))
def test_no_search_text_is_refused(query: str) -> None:
    terms = parse_terms(query)
    assert all((*terms.wanted, *terms.required, *terms.excluded))


term = st.builds(
    "{}{}".format,
    st.sampled_from(("", "", "+", "-", "!")),
    st.sampled_from((*WORDS, "log.task", '"lost luggage"', "%", "_", "ost")),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.lists(term, max_size=4).map(" ".join))
async def test_a_search_finds_the_lines_whose_message_and_logger_it_allows(store: Store, query: str) -> None:
    if not await logs.list_logs(store, None, LogSort.TIMESTAMP_ASC, 1, 0):
        await fill(store, WORLD)
    wanted = LogFilter(text=LogFilterTextSearch(query=query))
    found = await logs.list_logs(store, wanted, LogSort.TIMESTAMP_ASC, 200, 0)
    terms = parse_terms(query)
    assert {line.id for line in found} == {
        row["id"] for row in WORLD.live("logs") if terms.match(f"{row['message']} {row['name']}")
    }
