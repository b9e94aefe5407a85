"""Marks that a caller puts on an argument to say how a task should take it."""

from headrace.sdk.annotations import allow_failure, opaque, quote, unmapped

__all__ = ["allow_failure", "opaque", "quote", "unmapped"]
