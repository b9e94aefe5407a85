"""Facts about the current run, read as attributes; outside of any run they are None or empty.

>>> from headrace import runtime
>>> runtime.flow_run.name
'brisk-otter'
"""

from headrace.runtime import deployment, flow_run, task_run

__all__ = ["deployment", "flow_run", "task_run"]
