"""What runs are given while they run: answers to a pause, and inputs that runs and programs send each other."""

from headrace.sdk.input_mail import InputReceiver as GetInputHandler
from headrace.sdk.input_mail import asend_input, receive_input, send_input
from headrace.sdk.input_store import (
    acreate_flow_run_input,
    adelete_flow_run_input,
    afilter_flow_run_input,
    aread_flow_run_input,
    create_flow_run_input,
    delete_flow_run_input,
    filter_flow_run_input,
    read_flow_run_input,
)
from headrace.sdk.run_inputs import Keyset, RunInput, RunInputMetadata, keyset_from_base_key, keyset_from_paused_state

__all__ = [
    "GetInputHandler",
    "Keyset",
    "RunInput",
    "RunInputMetadata",
    "acreate_flow_run_input",
    "adelete_flow_run_input",
    "afilter_flow_run_input",
    "aread_flow_run_input",
    "asend_input",
    "create_flow_run_input",
    "delete_flow_run_input",
    "filter_flow_run_input",
    "keyset_from_base_key",
    "keyset_from_paused_state",
    "read_flow_run_input",
    "receive_input",
    "send_input",
]
