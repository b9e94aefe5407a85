"""Schemas have the checksums that the real client works out for them."""

from typing import Any

import pytest

from headrace.rules.block_schemas import checksum

PLAIN: dict[str, Any] = {
    "title": "Kid",
    "type": "object",
    "block_type_slug": "kid",
    "properties": {"password": {"type": "string"}},
    "block_schema_references": {},
}
# sha256 of the text [[{"block_schema_references": {}, …, "type": "object"}], {}], by hand.
PLAIN_CHECKSUM = "sha256:d4fecc1caf8e087116a221294c7f062dfeaefeaedca864dd6f3bd148f9ff1fe3"


def test_a_checksum_is_that_of_the_sorted_text() -> None:
    assert checksum(PLAIN) == PLAIN_CHECKSUM
    assert checksum(dict(reversed(PLAIN.items()))) == PLAIN_CHECKSUM


def test_letters_beyond_ascii_are_escaped() -> None:
    """As in the client, whose JSON is ASCII: the text is `[[{"title": "\\u00dc"}], {}]`."""
    assert checksum({"title": "Ü"}) == "sha256:6c3008c48a1f2246da0a8e9a967647c8b893eb25c830d635ac976b0d1fa52625"


@pytest.mark.parametrize(
    "same",
    [
        {"secret_fields": ["password"]},
        {"properties": {"password": {"type": "string", "secret_fields": ["x"]}}},
        {"definitions": {}},
        {"definitions": {"Anything": {}}},
        {"definitions": {"Other": {"block_type_slug": "other", "title": "Other"}}},
    ],
)
def test_what_does_not_change_the_fields_does_not_count(same: dict[str, Any]) -> None:
    assert checksum(PLAIN | same) == PLAIN_CHECKSUM


@pytest.mark.parametrize(
    "other",
    [
        {"title": "Cub"},
        {"definitions": {"Plain": {"type": "object"}}},
        {"block_schema_references": {"kid": {"block_type_slug": "kid", "block_schema_checksum": "sha256:0"}}},
    ],
)
def test_what_changes_the_fields_counts(other: dict[str, Any]) -> None:
    assert checksum(PLAIN | other) != PLAIN_CHECKSUM
