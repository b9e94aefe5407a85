"""The orders in which lists are given."""

from headrace.wire.sorts import DeploymentSort, FlowRunSort, FlowSort, LogSort, TaskRunSort

__all__ = ["DeploymentSort", "FlowRunSort", "FlowSort", "LogSort", "TaskRunSort"]
