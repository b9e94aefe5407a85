"""Configuration and secrets that are kept by name."""

from headrace.sdk.blocks import Block

__all__ = ["Block"]
