"""The client with the calls that recording runs takes, which imports no more than that."""

from headrace.client._async.events import EventCalls
from headrace.client._async.flow_runs import FlowRunCalls
from headrace.client._async.flows import FlowCalls
from headrace.client._async.logs import LogCalls
from headrace.client._async.task_runs import TaskRunCalls


class RecordingClient(FlowCalls, FlowRunCalls, TaskRunCalls, LogCalls, EventCalls):
    """What a flow run tells the API, and asks it."""
