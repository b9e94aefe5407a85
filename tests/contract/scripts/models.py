"""Run by headrace's own Python, with the pydantic that the folder in the first argument holds."""

import json
import sys
from uuid import UUID

sys.path.append(sys.argv[1])

from pydantic import BaseModel, Field, SecretStr, ValidationError

from headrace import flow, runtime, task
from headrace.client.orchestration import get_client
from headrace.input import receive_input, send_input
from headrace.wire.errors import ParameterTypeError


class Address(BaseModel):
    street: str
    number: int = Field(gt=0)


class Order(BaseModel):
    to: Address
    parcels: list[int] = []
    key: SecretStr = SecretStr("secret")


@task
def pack(order: Order) -> Order:
    return order.model_copy(update={"parcels": [*order.parcels, 1]})


@flow(persist_result=True)
def ship(order: Order) -> Order:
    """Ship an order.

    Args:
        order: what is shipped, and where to
    """
    return pack(order)


@flow
def asks() -> Address:
    me = UUID(runtime.flow_run.id)
    send_input(Address(street="Kai", number=3), me)
    return receive_input(Address, timeout=0).next()


seen: dict[str, object] = {}
made = ship({"to": {"street": "Kai", "number": "2"}})
seen["made"] = [type(made).__name__, made.to.street, made.to.number, made.parcels]
state = ship(Order(to=Address(street="Kai", number=1)), return_state=True)
with get_client(sync_client=True) as client:
    runs = client.read_flow_runs()
    seen["recorded"] = next(run.parameters for run in runs if run.id == state.state_details.flow_run_id)
    kept = client.read_flow_run(state.state_details.flow_run_id).state
    seen["read back"] = type(kept.result()).__name__ if kept is not None else None
try:
    ship({"to": {"street": "Kai", "number": 0}})
except ParameterTypeError as error:
    seen["refused"] = str(error)
deployment = ship.to_deployment("models")
seen["schema"] = deployment.parameter_openapi_schema
received = asks()
seen["received"] = [type(received).__name__, received.number]
try:
    Address(street="Kai", number=0)
except ValidationError:
    seen["real"] = True
print(json.dumps(seen))
