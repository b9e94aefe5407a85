# Generated from _async/recording.py by scripts/unasync.py; change that file, not this one.
"""The client with the calls that recording runs takes, which imports no more than that."""

from headrace.client._sync.events import EventCalls
from headrace.client._sync.flow_runs import FlowRunCalls
from headrace.client._sync.flows import FlowCalls
from headrace.client._sync.logs import LogCalls
from headrace.client._sync.task_runs import TaskRunCalls


class SyncRecordingClient(FlowCalls, FlowRunCalls, TaskRunCalls, LogCalls, EventCalls):
    """What a flow run tells the API, and asks it."""
