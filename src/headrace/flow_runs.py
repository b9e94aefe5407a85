"""Pausing, suspending and resuming flow runs, and waiting for them."""

from headrace.sdk.pauses import (
    apause_flow_run,
    aresume_flow_run,
    asuspend_flow_run,
    pause_flow_run,
    resume_flow_run,
    suspend_flow_run,
    wait_for_flow_run,
)
from headrace.wire.waiting_errors import WaitTimeout as FlowRunWaitTimeout

__all__ = [
    "FlowRunWaitTimeout",
    "apause_flow_run",
    "aresume_flow_run",
    "asuspend_flow_run",
    "pause_flow_run",
    "resume_flow_run",
    "suspend_flow_run",
    "wait_for_flow_run",
]
