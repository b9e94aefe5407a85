"""Flows: the decorator and what it makes."""

from headrace.sdk.flow import Flow, flow

__all__ = ["Flow", "flow"]
