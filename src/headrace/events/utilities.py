"""Emitting events."""

from headrace.sdk.emitting import emit_event

__all__ = ["emit_event"]
