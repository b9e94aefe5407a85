"""Blocks that come with headrace."""

from headrace.sdk.system_blocks import Secret

__all__ = ["Secret"]
