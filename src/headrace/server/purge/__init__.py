"""Removes for good what was deleted and can no longer be asked back, so quietly that nobody notices."""
