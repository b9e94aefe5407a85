"""What a person gives a paused run so that it can go on."""

from headrace.sdk.run_inputs import RunInput

__all__ = ["RunInput"]
