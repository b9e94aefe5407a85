"""An unmodified Prefect 3.8.8 keeps its blocks on our server (contract §11.4)."""

from typing import Any

import pytest

from tests.contract.conftest import Peer

pytestmark = pytest.mark.xdist_group("contract-blocks")


@pytest.fixture(scope="module")
def seen(peer: Peer) -> dict[str, Any]:
    return peer.script("save_blocks.py")


def test_a_secret_is_saved_loaded_overwritten_and_deleted(seen: dict[str, Any]) -> None:
    secret = seen["secret"]
    assert (secret["first"], secret["loaded"]) == ("one", {"user": "ada", "n": [1, 2.5]})
    assert "overwrite=True" in secret["taken"]
    assert "Unable to find block document" in secret["missing"]


def test_a_secret_is_not_shown_to_whom_does_not_ask_for_it(seen: dict[str, Any]) -> None:
    assert seen["secret"]["hidden"] == {"value": {"user": "********", "n": "********"}}
    for secret in ("lovelace", "t0ken", "b0b", "h3ader"):
        assert secret not in str(seen["nested"]["hidden"])


def test_nested_blocks_come_back_whole(seen: dict[str, Any]) -> None:
    nested = seen["nested"]
    assert nested["either"] == "Token"
    assert nested["values"] == ["lovelace", "t0ken", "b0b", "h3ader", "übung"]
    assert nested["references"] == {"credentials": "ada", "either": "token"}


def test_a_block_that_is_saved_again_keeps_what_it_refers_to(seen: dict[str, Any]) -> None:
    nested = seen["nested"]
    assert nested["port"] == 2
    assert nested["still"] == ["credentials", "either"]
    assert nested["again"] == ["changed", *nested["values"][1:]]


def test_the_client_and_the_server_agree_about_checksums(seen: dict[str, Any]) -> None:
    assert seen["checksums"] == dict.fromkeys(("Secret", "LocalFileSystem", "Credentials", "Token", "Connection"), True)


def test_documents_and_types_are_listed_without_anonymous_ones(seen: dict[str, Any]) -> None:
    listed = seen["listed"]
    assert listed["documents"] == ["ada", "both", "token"]
    assert listed["by_type"] == ["ada"]
    assert {"secret", "webhook", "slack-webhook", "connection", "credentials"} <= set(listed["types"])
    assert (listed["schemas"], listed["missing"]) == (True, "ObjectNotFound")


def test_the_command_line_inspects_and_deletes_a_block(peer: Peer, seen: dict[str, Any]) -> None:
    assert "token" in seen["listed"]["documents"]
    inspected = peer.cli("block", "inspect", "token/token")
    assert "********" in inspected
    assert "t0ken" not in inspected
    peer.cli("--no-prompt", "block", "delete", "token/token")
    assert "token/token" not in peer.cli("block", "ls")
