"""Named JSON values that flows share."""

from headrace.sdk.variables import Variable

__all__ = ["Variable"]
