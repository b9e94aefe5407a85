"""Variables: values that flows share by name."""

import pytest

from headrace import flow
from headrace.client.orchestration import SyncHeadraceClient
from headrace.variables import Variable
from headrace.wire.errors import Unprocessable

pytestmark = pytest.mark.usefixtures("recorded")


@pytest.mark.parametrize("value", ["eu-west-1", 3, 1.5, True, None, ["a", 1], {"nested": {"deep": [1, None]}}])
def test_a_variable_has_any_json_value(value: object) -> None:
    Variable.set("kept", value)
    assert Variable.get("kept", default="another") == value


def test_a_name_without_a_variable_has_the_default() -> None:
    assert Variable.get("none") is None
    assert Variable.get("none", default=7) == 7


def test_a_value_is_replaced_only_on_purpose() -> None:
    Variable.set("region", "eu", tags=["place"])
    with pytest.raises(ValueError, match=r"'region'.*overwrite=True"):
        Variable.set("region", "us")
    assert Variable.get("region") == "eu"
    assert Variable.set("region", "us", overwrite=True) == Variable("region", "us", ["place"])
    assert Variable.get("region") == "us"


def test_a_variable_is_unset_once() -> None:
    Variable.set("gone", 1)
    assert Variable.unset("gone") is True
    assert Variable.unset("gone") is False
    assert Variable.get("gone") is None


def test_a_name_that_the_api_refuses_is_named() -> None:
    with pytest.raises(Unprocessable, match="name"):
        Variable.set("Not A Name", 1)


async def test_async_code_awaits_variables() -> None:
    await Variable.set("one", 1)
    await Variable.aset("two", 2)
    assert (await Variable.get("one"), await Variable.aget("two")) == (1, 2)
    assert (await Variable.unset("one"), await Variable.aunset("two")) == (True, True)


async def test_a_synchronous_flow_called_in_async_code_has_the_value_itself(recorded: SyncHeadraceClient) -> None:
    @flow
    def reads() -> object:
        return Variable.get("none", default="at once")

    assert reads() == "at once"
