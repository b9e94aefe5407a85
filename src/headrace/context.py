"""What surrounds the code that runs: the flow run, the task run, the tags."""

from headrace.sdk.context import FlowRunContext, TagsContext, TaskRunContext, get_run_context, tags

__all__ = ["FlowRunContext", "TagsContext", "TaskRunContext", "get_run_context", "tags"]
