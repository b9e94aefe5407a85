"""What marks of deletion mean beyond the operation that made them."""

from uuid import UUID

PURGING = UUID(int=0)
"""Stands in `deleted_by`, or for the operation that hides a run, while a row is being removed for good.

What belongs to such a row is partly gone already, so no operation can give it back.
"""
